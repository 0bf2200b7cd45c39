"""The simulated home is the same for the same seed, has the right days, and looks like a home."""

from datetime import date

import numpy as np
import pytest

from wattledger.localday import number
from wattledger.model import MISSING, Flow
from wattledger.simulators.home import Home, padded, wall_hours

DAYS = [(date(2025, 11, 2), 100), (date(2026, 3, 8), 92), (date(2026, 7, 1), 96)]


@pytest.mark.parametrize(("day", "slots"), DAYS)
def test_a_day_has_its_own_number_of_slots(day: date, slots: int) -> None:
    one = Home(solar=True).day(number(day))
    assert {len(one.actual[flow]) for flow in Flow} == {len(one.estimated)} == {slots}


def test_the_same_seed_gives_the_same_day_whatever_the_range() -> None:
    home = Home(seed=7)
    alone = home.day(number(date(2026, 5, 5)))
    among = list(home.days(date(2026, 5, 1), 10))[4]
    assert np.array_equal(alone.actual[Flow.DELIVERED], among.actual[Flow.DELIVERED])
    other = Home(seed=8).day(alone.number)
    assert not np.array_equal(alone.actual[Flow.DELIVERED], other.actual[Flow.DELIVERED])


def test_two_is_skipped_in_spring_and_one_comes_twice_in_autumn() -> None:
    spring, autumn = wall_hours(92), wall_hours(100)
    assert 2.0 not in spring
    assert spring[-1] == 23.75
    assert np.count_nonzero(autumn == 1.0) == 2
    assert autumn[-1] == 23.75


def test_a_year_looks_like_a_texas_home() -> None:
    days = list(Home(solar=True).days(date(2025, 11, 20), 365))
    delivered = sum(int(d.actual[Flow.DELIVERED].sum()) for d in days) / 1000
    received = sum(int(d.actual[Flow.RECEIVED].sum()) for d in days) / 1000
    assert 8_000 < delivered < 25_000
    assert 1_000 < received < 12_000
    assert 3 <= sum(bool(d.estimated.any()) for d in days) <= 30
    assert min(int(d.actual[Flow.DELIVERED].min()) for d in days) >= 0


def test_nothing_is_drawn_and_sent_in_the_same_quarter_hour() -> None:
    for one in Home(solar=True).days(date(2026, 6, 1), 20):
        assert not np.any((one.actual[Flow.DELIVERED] > 0) & (one.actual[Flow.RECEIVED] > 0))


def test_estimates_are_blocks_of_four_hours_and_differ_from_what_is_corrected() -> None:
    estimated = [d for d in Home().days(date(2025, 11, 20), 365) if d.estimated.any()]
    for one in estimated:
        assert np.count_nonzero(one.estimated) == 16
        same = one.first[Flow.DELIVERED][~one.estimated] == one.actual[Flow.DELIVERED][~one.estimated]
        assert same.all()
    assert any((d.first[Flow.DELIVERED] != d.actual[Flow.DELIVERED]).any() for d in estimated)


def test_padding_is_missing() -> None:
    assert padded(np.arange(96, dtype=np.int32))[96:].tolist() == [MISSING] * 4


def test_the_meter_counts_what_the_car_takes_at_home() -> None:
    home = Home()
    for one in home.days(date(2025, 11, 1), 180):
        car = home.car.home_slots(one.number)
        assert (one.actual[Flow.DELIVERED] >= car).all()
    assert 1_000 < sum(home.car.home_slots(n).sum() for n in range(20_000, 20_365)) / 1000 < 5_000
