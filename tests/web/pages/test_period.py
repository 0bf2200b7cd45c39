"""Periods of whole local days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattledger.web.pages.period import WAYS, By, Period

DAYS = st.dates(date(1990, 1, 1), date(2099, 12, 31))


@settings(deadline=None)
@given(st.sampled_from(WAYS), DAYS)
def test_a_period_holds_its_day_and_neighbours_touch(by: By, day: date) -> None:
    period = Period.around(by, day)
    assert period.start <= day < period.end
    assert period.days[0] == period.start
    assert period.days[-1] == period.end - timedelta(days=1)
    assert period.previous().end == period.start
    assert period.next().start == period.end
    assert period.next().previous() == period


@settings(deadline=None)
@given(st.sampled_from(WAYS), st.dates())
def test_any_date_gives_a_period(by: By, day: date) -> None:
    period = Period.around(by, day)
    assert period.previous().end == period.start < period.end == period.next().start


@pytest.mark.parametrize(
    ("by", "day", "title"),
    [
        ("day", date(2026, 7, 14), "Tuesday 14 July 2026"),
        ("week", date(2026, 7, 14), "12 to 18 July 2026"),
        ("week", date(2026, 7, 31), "26 July to 1 August 2026"),
        ("week", date(2025, 12, 31), "28 December 2025 to 3 January 2026"),
        ("month", date(2026, 7, 14), "July 2026"),
        ("year", date(2026, 7, 14), "2026"),
    ],
)
def test_titles(by: By, day: date, title: str) -> None:
    assert Period.around(by, day).title == title
