"""Alerts as rules: when each is there and when not, and months of normal operation without any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.insight.simulated_home import MINUTE, TZ, Home, local
from wattledger import localday
from wattledger.faults import sabotage
from wattledger.insight.alert_findings import Facts, File, Gaps, Over, Room, judge, missing_days, over_of
from wattledger.insight.alerts import TITLES, Alert, Kind, Watch, length
from wattledger.insight.equation import Equation, Part, Track
from wattledger.insight.expectations import Car, Meter, Relay, Source, Unit

NOW = datetime(2026, 7, 15, 21, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=90)
WATCH = Watch(NOW, LONG_AGO, TZ)
HOUR, DAY, FIVE, HALF = timedelta(hours=1), timedelta(days=1), timedelta(minutes=5), timedelta(minutes=30)
TICK = timedelta(microseconds=1)


def of(facts: Facts, watch: Watch = WATCH) -> list[tuple[str, str, str]]:
    return [(one.kind.value, one.subject, one.level) for one in judge(facts, watch)]


def cloud(state: str = "ok", ago: timedelta = MINUTE, **more: object) -> Facts:
    values = {"every": FIVE, "made": LONG_AGO, **more}
    return Facts(sources=[Source("c", "SmartThings", state, NOW - ago, **values)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("left", "found"),
    [
        (6 * HOUR + TICK, []),
        (6 * HOUR, [("token_ending", "connection:c", "caution")]),
        (HOUR + TICK, [("token_ending", "connection:c", "caution")]),
        (HOUR, [("token_ending", "connection:c", "bad")]),
        (timedelta(), [("token_ending", "connection:c", "bad")]),
        (-DAY, [("token_ending", "connection:c", "bad")]),
    ],
)
def test_a_pasted_token(left: timedelta, found: list[object]) -> None:
    assert of(cloud(ends=NOW + left)) == found


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("needs_login", [("token_ending", "connection:c", "bad")]),
        ("misconfigured", [("token_ending", "connection:c", "bad")]),
        ("disconnected", []),
        ("ok", [("source_silent", "connection:c", "bad")]),
        ("late", [("source_silent", "connection:c", "bad")]),
    ],
)
def test_a_stopped_connection_is_told_once_with_its_cause(state: str, found: list[object]) -> None:
    assert of(cloud(state, 3 * DAY)) == found


@pytest.mark.parametrize(
    ("ago", "silent"), [(timedelta(minutes=14), False), (timedelta(minutes=14) + TICK, True)]
)
def test_a_polled_connection_has_its_period_and_nine_minutes(ago: timedelta, silent: bool) -> None:
    assert bool(of(cloud(ago=ago))) == silent


def test_a_connection_that_nobody_polls_is_never_silent() -> None:
    assert of(cloud(ago=30 * DAY, every=None)) == []


def test_pushes_that_do_not_come() -> None:
    assert of(cloud(unheard=5)) == []
    assert of(cloud(unheard=6)) == [("source_silent", "pushes:c", "caution")]


def test_after_a_start_sources_get_their_period() -> None:
    facts = cloud(ago=3 * HOUR)
    (early,) = judge(facts, Watch(NOW, NOW - timedelta(minutes=14), TZ))
    (late,) = judge(facts, Watch(NOW, NOW - timedelta(minutes=15), TZ))
    assert (early.sure, late.sure) == (False, True)


@pytest.mark.parametrize(
    ("car", "found"),
    [
        (Car("v", "Car", NOW + 20 * HOUR, HALF, LONG_AGO, NOW - 3 * DAY), []),  # it sleeps
        (Car("v", "Car", NOW - timedelta(minutes=39), HALF, LONG_AGO, NOW - DAY), []),
        (Car("v", "Car", NOW - timedelta(minutes=40), HALF, LONG_AGO), [("source_silent", "car:v", "bad")]),
        (Car("v", "Car", NOW + HOUR, HALF, LONG_AGO, faults=1), []),
        (Car("v", "Car", NOW + HOUR, HALF, LONG_AGO, faults=2), [("source_silent", "car:v", "bad")]),
        (Car("v", "Car", NOW + DAY, HALF, LONG_AGO, needs_person=True), [("token_ending", "car:v", "bad")]),
        (Car("v", "Car", None, HALF, LONG_AGO), []),
    ],
)
def test_a_car_goes_by_its_own_schedule(car: Car, found: list[object]) -> None:
    assert of(Facts(cars=[car])) == found


@pytest.mark.parametrize("trouble", ["offline", "unread"])
def test_a_unit_of_a_connection_that_works(trouble: str) -> None:
    def unit(ago: timedelta) -> Facts:
        return Facts(units=[Unit("u", "Office", FIVE, **{trouble: NOW - ago})])

    assert of(unit(14 * MINUTE)) == []
    assert of(unit(14 * MINUTE + TICK)) == [("source_silent", "unit:u", "caution")]
    assert of(Facts(units=[Unit("u", "Office", FIVE)])) == []


@pytest.mark.parametrize(
    ("ago", "good", "found"),
    [(39, 39, 0), (40, 40, 1), (5, 69, 0), (5, 70, 1)],
)
def test_a_relay(ago: int, good: int, found: int) -> None:
    relay = Relay("edge", NOW - ago * MINUTE, NOW - good * MINUTE, HALF, "no route")
    assert len(of(Facts(relays=[relay]))) == found


@pytest.mark.parametrize(
    ("fed", "ago", "found"),
    [
        (True, 3 * DAY, []),
        (True, 3 * DAY + TICK, [("source_silent", "meter:m", "bad")]),
        (False, 35 * DAY, []),
        (False, 35 * DAY + TICK, [("source_silent", "meter:m", "caution")]),
    ],
)
def test_a_meter(fed: bool, ago: timedelta, found: list[object]) -> None:
    assert of(Facts(meters=[Meter("m", "M", NOW - ago, LONG_AGO, fed)])) == found
    assert of(Facts(meters=[Meter("m", "M", None, NOW - DAY, fed)])) == []


def test_missing_days_once_they_should_have_come() -> None:
    today = localday.today(NOW, TZ)
    gone = Gaps("m", "M", TZ, [today - 4])
    assert of(Facts(gaps=[gone])) == [("gap", "meter:m", "caution")]
    assert of(Facts(gaps=[Gaps("m", "M", TZ, [today - 3])])) == []
    assert of(Facts(gaps=[Gaps("m", "M", TZ, [])])) == []


def test_missing_days_know_days_of_23_and_25_hours() -> None:
    spring, fall = (localday.number(local(2026, *day).date()) for day in ((3, 8), (11, 1)))
    for day, slots in ((spring, 92), (fall, 100)):
        found = {day - 1: 96, day: slots, day + 1: 96}
        assert missing_days(found, day - 1, day + 2, TZ) == []
        assert missing_days({**found, day: slots - 1}, day - 1, day + 2, TZ) == [day]


def test_files() -> None:
    files = [File(7, "a.csv", NOW, "It is empty."), File(8, "b.csv", NOW, "Poison.", True)]
    assert of(Facts(files=files)) == [
        ("rejected_file", "payload:7", "caution"),
        ("poison_payload", "payload:8", "bad"),
    ]


def equation(meter: int, part: int, known: int = 96 * 7) -> Equation:
    n, start = 96 * 7, localday.start(localday.number(local(2026, 6, 1).date()), TZ)
    mask = np.arange(n) < known
    whole = Track(np.where(mask, meter, 0).astype(np.int64), mask, np.zeros(n, bool))
    used = Track(np.full(n, part, np.int64), np.ones(n, bool), np.zeros(n, bool))
    return Equation(start, whole, None, (Part("p", "P", "appliance", used),))


@pytest.mark.parametrize(("meter", "part", "much"), [(100, 99, False), (100, 104, False), (100, 106, True)])
def test_more_explained_than_metered(meter: int, part: int, much: bool) -> None:
    found = over_of(equation(meter, part), TZ)
    assert found.much == much
    assert bool(of(Facts(over=found))) == much


def test_a_day_that_the_meter_does_not_wholly_know_is_no_evidence() -> None:
    assert over_of(equation(100, 300, known=95), TZ) == Over([], 0, 0, TZ)
    assert over_of(equation(100, 300, known=96 * 2), TZ).over_wh == 2 * 96 * 200


def test_room() -> None:
    room = Room("h", 3 << 30, True, False)
    assert of(Facts(rooms=[room])) == [("disk_low", "disk:h", "caution")]
    assert of(Facts(rooms=[Room("h", 1 << 30, True, True)])) == [("disk_low", "disk:h", "bad")]
    assert of(Facts(rooms=[Room("h", 1 << 40, False, False)])) == []


def test_every_kind_has_a_title_and_periods_read_well() -> None:
    assert set(TITLES) == set(Kind)
    assert [length(t) for t in (FIVE, HALF, HOUR, DAY, timedelta(minutes=90))] == [
        "5 minutes", "30 minutes", "1 hour", "1 day", "90 minutes",
    ]  # fmt: skip


@given(st.integers(0, 60 * 24 * 3))
def test_the_same_trouble_reads_the_same_a_minute_later(minutes: int) -> None:
    facts = cloud(ago=HOUR)
    words = {
        (a.title, a.text, a.since)
        for n in (0, minutes)
        for a in judge(facts, Watch(NOW + n * MINUTE, LONG_AGO, TZ))
    }
    assert len(words) == 1


def run(home: Home, minutes: int) -> list[Alert]:
    """Alerts that would have been opened."""
    found: dict[tuple[str, str], Alert] = {}
    for _ in range(minutes):
        home.step()
        for one in judge(home.facts(), Watch(home.now, home.start, TZ)):
            if one.sure:
                found.setdefault((one.kind, one.subject), one)
    return list(found.values())


SEASONS = pytest.mark.parametrize("start", [local(2026, 2, 10), local(2026, 10, 5)], ids=["spring", "fall"])


@SEASONS
def test_no_false_alarm_in_sixty_days(start: datetime) -> None:
    _sixty_calm_days(start, 4711)


@pytest.mark.soak
@SEASONS
@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_no_false_alarm_in_many_times_sixty_days(start: datetime, seed: int) -> None:
    _sixty_calm_days(start, seed)


def _sixty_calm_days(start: datetime, seed: int) -> None:
    home = Home(start.astimezone(UTC), seed)
    assert run(home, 60 * 24 * 60) == []
    assert home.now - home.start == 60 * DAY


PERIODS = {"cloud": FIVE, "account": HALF, "relay": HALF, "meter": 3 * DAY}


@pytest.mark.parametrize("name", PERIODS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), minute=st.integers(0, 60 * 24))
def test_a_stopped_source_is_visible_within_its_period_and_ten_minutes(
    name: str, seed: int, minute: int
) -> None:
    home = Home(local(2026, 10, 31).astimezone(UTC), seed)
    assert run(home, minute + 60) == []
    home.stopped.add(name)
    last = {"cloud": home.cloud, "account": home.account, "relay": home.relay}.get(name)
    if last is None:
        last = localday.start(max(home.days) + 1, TZ)
    limit = last + PERIODS[name] + timedelta(minutes=10)
    kinds = [one.kind for one in run(home, -(-int((limit - home.now).total_seconds()) // 60))]
    kinds = [kind for kind in kinds if kind != Kind.GAP or name != "meter"]  # what was late never comes
    assert kinds == [Kind.SILENT]


def test_sabotage_freshness_is_noticed() -> None:
    home = Home(local(2026, 10, 31).astimezone(UTC), 1, {"cloud"})
    with sabotage("freshness"):
        assert run(home, 60) == []
    assert run(home, 1) != []
