"""Spreading: every watt-hour once, in its local quarter-hour, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.accounting.series import report
from wattledger import localday
from wattledger.accounting import Booking, Report, account
from wattledger.faults import sabotage
from wattledger.model import MISSING, EnergyDays, Flag
from wattledger.spreading import spread

CENTRAL = "America/Chicago"
ZONES = (CENTRAL, "UTC", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe")


def booked(start: str, end: str, wh: str, derived: bool = False) -> Booking:
    return Booking(datetime.fromisoformat(start), datetime.fromisoformat(end), Decimal(wh), derived)


def cells(days: EnergyDays) -> dict[tuple[str, int], int]:
    """(date, slot) -> Wh."""
    return {
        (localday.day(int(n)).isoformat(), int(slot)): int(days.values[row, slot])
        for row, n in enumerate(days.day)
        for slot in np.flatnonzero(days.values[row] != MISSING)
    }


def total(days: EnergyDays) -> int:
    return int(days.values[days.values != MISSING].sum())


def test_an_hour_from_ten_past_is_cut_at_the_quarters() -> None:
    found = cells(spread([booked("2026-07-04T17:10:00Z", "2026-07-04T18:10:00Z", "60")], CENTRAL))
    assert found == {("2026-07-04", 48 + i): wh for i, wh in enumerate((5, 15, 15, 15, 10))}


def test_local_midnight_cuts() -> None:
    found = cells(spread([booked("2026-07-05T04:52:30Z", "2026-07-05T05:07:30Z", "10")], CENTRAL))
    assert found == {("2026-07-04", 95): 5, ("2026-07-05", 0): 5}


@pytest.mark.parametrize(("day", "slots"), [("2026-03-08", 92), ("2026-11-01", 100)])
def test_a_day_on_which_clocks_change(day: str, slots: int) -> None:
    n = localday.number(datetime.fromisoformat(day).date())
    start, end = localday.start(n, CENTRAL), localday.start(n + 1, CENTRAL)
    days = spread([Booking(start, end, Decimal(slots * 3))], CENTRAL)
    assert days.day.tolist() == [n]
    assert days.values[0].tolist() == [3] * slots + [MISSING] * (100 - slots)


def test_fractions_are_carried_to_the_next_booking() -> None:
    quarters = [
        booked(f"2026-07-04T17:{m:02}:00Z", f"2026-07-04T17:{m + 15:02}:00Z", "0.4") for m in (0, 15, 30)
    ]
    assert list(cells(spread(quarters, CENTRAL)).values()) == [0, 1, 0]
    assert cells(spread(quarters[2:], CENTRAL, Decimal("0.8"))) == {("2026-07-04", 50): 0}


def test_sabotage_carry_fractions_is_noticed() -> None:
    quarters = [
        Booking(t, t + timedelta(minutes=15), Decimal("0.4"))
        for t in (datetime(2026, 7, 4, tzinfo=UTC) + timedelta(minutes=15 * i) for i in range(100))
    ]
    assert total(spread(quarters, CENTRAL)) == 40
    with sabotage("carry_fractions"):
        assert total(spread(quarters, CENTRAL)) == 0


@pytest.mark.parametrize(
    ("hours", "wh", "derived", "flag"),
    [
        (1, "60", False, Flag.ACTUAL),
        (4.5, "60", False, Flag.DERIVED),
        (4.5, "0", False, Flag.ACTUAL),
        (0.25, "60", True, Flag.DERIVED),
    ],
)
def test_what_was_spread_over_long_is_marked(hours: float, wh: str, derived: bool, flag: Flag) -> None:
    start = datetime(2026, 7, 4, 17, tzinfo=UTC)
    days = spread([Booking(start, start + timedelta(hours=hours), Decimal(wh), derived)], CENTRAL)
    assert set(days.flags[days.values != MISSING].tolist()) == {flag}
    assert set(days.flags[days.values == MISSING].tolist()) == {0}


def test_a_booking_has_a_length() -> None:
    with pytest.raises(ValueError, match="length"):
        booked("2026-07-04T17:00:00Z", "2026-07-04T17:00:00Z", "1")


def test_nothing_booked_is_nothing_known() -> None:
    assert len(spread([], CENTRAL)) == 0


reports = st.lists(
    st.builds(
        report,
        st.integers(0, 4000),
        st.none() | st.decimals(0, 30000, places=3).map(str),
        st.none() | st.decimals(0, 500, places=6).map(str),
        st.none() | st.integers(-100, 4000),
    ),
    max_size=30,
)
drifting = st.lists(
    st.tuples(st.integers(1, 10**10), st.decimals(0, 4000, places=5), st.booleans()), min_size=1, max_size=25
)


@given(reports, st.sampled_from(ZONES))
def test_every_booked_wh_is_in_a_slot(series: list[Report], tz: str) -> None:
    judged, state = account(series)
    bookings = [one.booking for one in judged if one.booking]
    days = spread(bookings, tz)
    assert sum((one.wh for one in judged), Decimal(0)) == state.booked
    assert abs(total(days) - state.booked) <= Decimal("0.5")
    assert (days.values[days.values != MISSING] >= 0).all()
    assert all(a.end <= b.start for a, b in pairwise(bookings))


@given(reports, st.integers(0, 30))
def test_hearing_reports_again_changes_nothing(series: list[Report], cut: int) -> None:
    once, state = account(series)
    again, after = account(series[:cut], state)
    assert after == state
    assert not any(one.booking for one in again)
    assert account(series) == (once, state)


@given(drifting, st.sampled_from(ZONES), st.integers(0, 25))
def test_a_series_never_drifts_and_may_be_spread_in_parts(
    steps: list[tuple[int, Decimal, bool]], tz: str, cut: int
) -> None:
    now, bookings = datetime(2026, 10, 31, tzinfo=UTC), []
    for microseconds, wh, _ in steps:
        after = now + timedelta(microseconds=microseconds)
        bookings.append(Booking(now, after, wh))
        now = after
    whole, exact = spread(bookings, tz), Decimal(0)
    for n, one in enumerate(bookings):
        exact += one.wh
        assert abs(total(spread(bookings[: n + 1], tz)) - exact) <= Decimal("0.5")
    carried = sum((b.wh for b in bookings[:cut]), Decimal(0))
    parts = spread(bookings[:cut], tz), spread(bookings[cut:], tz, carried)
    joined = cells(parts[0])
    for key, more in cells(parts[1]).items():
        joined[key] = joined.get(key, 0) + more
    assert joined == cells(whole)
