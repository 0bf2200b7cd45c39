"""When a car is asked: a month of any moods stays within its calls, and nobody is asked too often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattledger.connectors.smartcar import cadence
from wattledger.connectors.smartcar.cadence import BACKGROUND, CHARGING, CLICK, Budget, May, Turn
from wattledger.faults import sabotage

START = datetime(2026, 3, 1, tzinfo=UTC)
MOODS = ("charging", "plugged", "away", "asleep", "faulty")


def turn_of(now: datetime, budget: Budget, cost: int, mood: str, times: int) -> Turn:
    if mood == "asleep":
        return cadence.asleep(now, times)
    if mood == "faulty":
        return cadence.faulty(now, times)
    return cadence.spread(now, budget, cost, mood, "a-car")


def month(monthly: int, cost: int, moods: list[str], clicks: list[int], start: datetime) -> list[datetime]:
    """The times at which a car is asked within a month; `clicks` are hours at which a person asks."""
    now, used, times, due, firm, asked = start, 0, 0, None, False, None
    end = cadence.month_end(start)
    rounds: list[datetime] = []
    pending = sorted(start + timedelta(hours=hour) for hour in clicks)
    while now < end:
        urgent = bool(pending) and pending[0] <= now
        budget = Budget(monthly, used)
        may = cadence.may_ask(now, due=due, firm=firm, asked=asked, cost=cost, budget=budget, urgent=urgent)
        if urgent:
            pending.pop(0)
        if may is May.YES:
            mood = moods[len(rounds) % len(moods)]
            times = times + 1 if mood in {"asleep", "faulty"} else 0
            used += cost
            rounds.append(now)
            turn = turn_of(now, Budget(monthly, used), cost, mood, times)
            due, firm, asked = turn.at, turn.firm, now
            least = CHARGING if mood == "charging" else BACKGROUND
            assert turn.at - now >= least
        elif may is May.BUDGET:
            turn = cadence.used_up(now, budget, cost, "a-car")
            due, firm = turn.at, turn.firm
        nexts = [moment for moment in (due, *pending[:1]) if moment is not None and moment > now]
        now = min(nexts, default=end)
    return rounds


@given(
    monthly=st.integers(1, 3000),
    cost=st.integers(1, 6),
    moods=st.lists(st.sampled_from(MOODS), min_size=1, max_size=30),
    clicks=st.lists(st.integers(0, 700), max_size=200),
    day=st.integers(0, 29),
)
def test_a_month_never_costs_more_than_its_calls(
    monthly: int, cost: int, moods: list[str], clicks: list[int], day: int
) -> None:
    rounds = month(monthly, cost, moods, clicks, START + timedelta(days=day, hours=day))
    assert len(rounds) * cost <= monthly
    pauses = [later - sooner for sooner, later in pairwise(rounds)]
    assert all(pause >= CLICK for pause in pauses)


def test_sabotage_call_budget_is_noticed() -> None:
    with sabotage("call_budget"):
        assert len(month(10, 4, ["away"], list(range(0, 100, 5)), START)) * 4 > 10


@pytest.mark.parametrize(("monthly", "least"), [(500, 440), (3000, 2600)])
def test_a_month_is_used_to_its_end(monthly: int, least: int) -> None:
    night = ["charging"] * 3 + ["away"] * 3
    rounds = month(monthly, 3, night, [], START)
    assert least <= len(rounds) * 3 <= monthly - 50
    weeks = [sum(START + timedelta(days=7 * n) <= at < START + timedelta(days=7 * n + 7) for at in rounds)
             for n in range(4)]  # fmt: skip
    assert min(weeks) > max(weeks) / 3  # no week is left without


def test_charging_is_looked_at_more_often() -> None:
    budget = Budget(500, 0)
    moods = ("charging", "plugged", "away")
    charging, plugged, away = (cadence.spread(START, budget, 3, mood, "c").at for mood in moods)
    assert START + CHARGING <= charging < plugged < away
    rich = Budget(100_000, 0)
    assert cadence.spread(START, rich, 3, "charging", "c").at == START + CHARGING
    assert cadence.spread(START, rich, 3, "away", "c").at == START + BACKGROUND


def test_a_sleeping_car_is_asked_ever_less() -> None:
    hours = [(cadence.asleep(START, n).at - START) / timedelta(hours=1) for n in range(1, 8)]
    assert hours == [2, 4, 8, 16, 24, 24, 24]
    assert (cadence.asleep(START, 10**6).at - START) == timedelta(hours=24)


def test_clicks_respect_firm_pauses_the_budget_and_two_minutes() -> None:
    later = START + timedelta(hours=5)

    def may(**about: object) -> May:
        usual = {
            "due": later,
            "firm": False,
            "asked": None,
            "cost": 3,
            "budget": Budget(500, 0),
            "urgent": True,
        }
        return cadence.may_ask(START, **{**usual, **about})  # type: ignore[arg-type]

    assert may() is May.YES
    assert may(urgent=False) is May.INTERVAL
    assert may(firm=True) is May.VENDOR
    assert may(asked=START - timedelta(seconds=119)) is May.INTERVAL
    assert may(asked=START - timedelta(seconds=120)) is May.YES
    assert may(budget=Budget(500, 460)) is May.YES  # the reserve is for clicks
    assert may(budget=Budget(500, 460), urgent=False, due=None) is May.BUDGET
    assert may(budget=Budget(500, 498)) is May.BUDGET


def test_a_used_up_month_ends_with_the_month() -> None:
    assert cadence.month_end(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
    turn = cadence.used_up(START, Budget(500, 500), 3, "c")
    assert turn.firm
    assert datetime(2026, 4, 1, tzinfo=UTC) <= turn.at < datetime(2026, 4, 1, 1, tzinfo=UTC)
    assert not cadence.used_up(START, Budget(500, 450), 3, "c").firm


@pytest.mark.parametrize(
    ("subscribed", "empty", "hours"),
    [(True, 0, 6), (False, 0, 12), (True, 1, 0.5), (True, 2, 1), (True, 3, 2), (True, 4, 6), (False, 9, 12)],
)
def test_the_vendors_store_is_looked_into_rarely(subscribed: bool, empty: int, hours: float) -> None:
    turn = cadence.stored(START, Budget(500, 3), subscribed=subscribed, empty=empty, car="c")
    assert turn.at - START == timedelta(hours=hours)
