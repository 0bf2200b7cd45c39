"""The simulated car: no gaps, no jumps, the same whenever it is asked, and energy that adds up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattledger import localday
from wattledger.simulators.driving import Driven
from wattledger.simulators.driving_week import AC_EFFICIENCY, HOME, ZONE, Habits, week

MINUTE = timedelta(minutes=1)
FIRST = datetime(2025, 10, 1, tzinfo=UTC)


@given(st.integers(0, 10_000), st.integers(2_800, 3_100))
def test_weeks_join_without_a_gap(seed: int, n: int) -> None:
    one, other = week(Habits(seed=seed), n), week(Habits(seed=seed), n + 1)
    legs = [*one.legs, *other.legs]
    for before, after in pairwise(legs):
        assert (before.end, before.to) == (after.start, after.place)
        assert before.kwh_end == pytest.approx(after.kwh)
    assert min(leg.kwh_end for leg in legs) > 0.2 * 75
    assert {leg.start.second for leg in other.legs[:1]} == {0}


def test_an_instant_is_the_same_whenever_it_is_asked() -> None:
    times = [FIRST + timedelta(minutes=171 * n) for n in range(300)]
    late = Driven()
    backwards = [late.state_at(t) for t in reversed(times)]
    assert [Driven().state_at(t) for t in times] == backwards[::-1]


@given(st.integers(0, 500_000))
def test_nothing_jumps_in_a_minute(minute: int) -> None:
    one, other = (Driven().state_at(FIRST + (minute + n) * MINUTE) for n in (0, 1))
    assert abs(other.soc - one.soc) < 0.03
    assert 0 <= other.odometer - one.odometer < 2.5
    assert abs(other.latitude - one.latitude) + abs(other.longitude - one.longitude) < 0.05


def test_it_charges_at_night_at_home_up_to_its_limit() -> None:
    car = Driven()
    legs = [leg for leg in car.legs(FIRST, FIRST + timedelta(days=365)) if leg.power]
    home = [leg for leg in legs if leg.place is HOME]
    assert len(home) > 150
    assert {leg.start.astimezone(localday.zone(ZONE)).hour for leg in home} == {23}
    assert {round(leg.kwh_end, 6) for leg in home} == {60.0}
    assert 10 < len(legs) - len(home) < 80
    assert any(leg.fast for leg in legs)


def test_energy_at_the_wall_is_the_battery_s_over_the_efficiency() -> None:
    car = Driven()
    until = FIRST + timedelta(days=60)
    into = sum(leg.kwh_end - leg.kwh for leg in car.legs(FIRST, until) if leg.power and leg.place is HOME)
    assert car.wall_wh(FIRST, until) == pytest.approx(into / AC_EFFICIENCY * 1000, rel=1e-3)
    days = range(localday.today(FIRST, ZONE) + 1, localday.today(until, ZONE))
    start, end = localday.start(days[0], ZONE), localday.start(days[-1] + 1, ZONE)
    assert sum(car.home_slots(n).sum() for n in days) == pytest.approx(car.wall_wh(start, end))


def test_a_sleeping_car_reports_nothing_new() -> None:
    car = Driven()
    asleep = [t for n in range(2000) if car.state_at(t := FIRST + n * 7 * MINUTE).asleep]
    assert len(asleep) > 800
    for when in asleep:
        assert not car.state_at(car.reported(when)).charging
        assert car.reported(car.reported(when)) == car.reported(when) <= when


def test_a_session_s_counter_begins_at_nothing_and_stays_after_it() -> None:
    car = Driven()
    moments = list(car.changes(FIRST, FIRST + timedelta(days=120)))
    for before, after in pairwise(car.state_at(t) for t in moments):
        if after.plugged and not before.plugged:
            assert after.added == 0
        elif before.charging:
            assert after.added > before.added
        else:
            assert after.added == before.added
