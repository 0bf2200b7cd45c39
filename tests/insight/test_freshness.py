"""A home of every kind of source over months: no alarm while it delivers, one soon after a source stops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.insight.simulated_home import MINUTE, TZ, Home, local
from tests.turns import turns
from wattledger import localday
from wattledger.faults import sabotage
from wattledger.insight.alert_findings import judge
from wattledger.insight.alerts import Alert, Watch

SEED, DAYS = 13, 60
STARTS = {"spring": local(2026, 2, 10), "fall": local(2026, 10, 5)}
"""sixty days from each hold a change of the clock"""
HALF, DAY = timedelta(minutes=30), timedelta(days=1)
PERIODS = {
    "cloud": timedelta(minutes=5), "unit": timedelta(minutes=5), "account": HALF, "car": HALF,
    "relay": HALF, "meter": 3 * DAY,
}  # fmt: skip
SLACK = timedelta(minutes=10)
Record = Callable[[str, object], None]


def look(home: Home) -> list[Alert]:
    """One minute later: what is sure to be wrong."""
    home.step()
    return [one for one in judge(home.facts(), Watch(home.now, home.start, TZ)) if one.sure]


def false_alarms(start: datetime, seed: int, days: int = DAYS) -> int:
    """Alerts of so many days in which every source delivers."""
    home = Home(start.astimezone(UTC), seed)
    return sum(len(look(home)) for _ in range(days * 24 * 60))


def last_of(home: Home, name: str) -> datetime:
    """When a source delivered last, or was to be asked next."""
    if name == "meter":
        return localday.start(max(home.days) + 1, TZ)
    return {
        "cloud": home.cloud, "unit": home.unit, "account": home.account, "relay": home.relay,
        "car": home.car_due,
    }[name]  # fmt: skip


def noticed(start: datetime, seed: int, name: str) -> timedelta:
    """How long after its period a source that stops at a random minute is shown; at most a day is waited."""
    home, chance = Home(start.astimezone(UTC), seed), Random(seed)
    for _ in range(chance.randrange(60, 24 * 60)):
        assert look(home) == []
    home.stopped.add(name)
    due = last_of(home, name) + PERIODS[name]
    while home.now < due + DAY:
        if look(home):
            return home.now - due
    return home.now - due


def test_every_kind_of_source_is_noticed() -> None:
    late = {name: noticed(local(2026, 10, 31), SEED, name) for name in PERIODS}
    assert {name: by for name, by in late.items() if by > SLACK} == {}


def test_sabotage_freshness_is_noticed_by_figures() -> None:
    with sabotage("freshness"):
        assert noticed(local(2026, 10, 31), SEED, "cloud") > SLACK


@pytest.mark.soak
def test_months_without_a_false_alarm(record_property: Record) -> None:
    found: dict[str, int] = defaultdict(int)
    for number in turns(1000, share=0.5):
        for start in STARTS.values():
            found["alarms"] += false_alarms(start, SEED + number)
            found["days"] += DAYS
    home = Home(STARTS["fall"], 0).facts()
    groups = (home.sources, home.cars, home.units, home.relays, home.meters)
    record_property("simulated_days", found["days"])
    record_property("changes_of_the_clock", found["days"] // DAYS)
    record_property("sources", sum(map(len, groups)))
    record_property("looks", found["days"] * 24 * 60)
    record_property("false_alarms", found["alarms"])
    record_property("seed", SEED)
    assert found["alarms"] == 0


@pytest.mark.soak
def test_stopped_sources_are_noticed(record_property: Record) -> None:
    worst: dict[str, timedelta] = dict.fromkeys(PERIODS, timedelta(0))
    stops = 0
    for number in turns(1000, share=0.5):
        for start in (local(2026, 3, 6), local(2026, 10, 30)):
            for name in PERIODS:
                worst[name] = max(worst[name], noticed(start, SEED + number, name))
                stops += 1
    record_property("stops", stops)
    for name, late in worst.items():
        record_property(f"{name}_minutes_after_its_period_at_most", round(late / MINUTE, 1))
    record_property("seed", SEED)
    assert max(worst.values()) <= SLACK
