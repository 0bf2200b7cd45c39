"""Local days: lengths, starts and the round trip from instants to slots."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattledger import localday
from wattledger.errors import Refused

CHICAGO = "America/Chicago"
ZONES = st.sampled_from([CHICAGO, "UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"])


@pytest.mark.parametrize(
    ("day", "slots", "first"),
    [
        (date(2022, 3, 1), 96, "2022-03-01T06:00:00+00:00"),
        (date(2022, 3, 13), 92, "2022-03-13T06:00:00+00:00"),
        (date(2022, 11, 6), 100, "2022-11-06T05:00:00+00:00"),
        (date(2025, 11, 2), 100, "2025-11-02T05:00:00+00:00"),
        (date(2026, 3, 8), 92, "2026-03-08T06:00:00+00:00"),
    ],
)
def test_days_of_chicago(day: date, slots: int, first: str) -> None:
    n = localday.number(day)
    assert localday.slots(n, CHICAGO) == slots
    assert localday.start(n, CHICAGO).isoformat() == first
    assert localday.day(n) == day


@given(st.integers(10_000, 25_000), ZONES)
def test_days_follow_each_other_without_a_hole(n: int, tz: str) -> None:
    assert localday.instant(n, localday.slots(n, tz), tz) == localday.start(n + 1, tz)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)), ZONES)
def test_every_instant_lies_in_exactly_one_slot(naive: datetime, tz: str) -> None:
    when = naive.replace(tzinfo=UTC)
    day, slot = localday.locate(when, tz)
    begin = localday.instant(day, slot, tz)
    assert begin <= when < begin + timedelta(minutes=15)
    assert 0 <= slot < localday.slots(day, tz)


def test_counts_of_an_array() -> None:
    days = np.array([localday.number(date(2022, 3, d)) for d in (12, 13, 14)], np.int32)
    assert localday.slot_counts(days, CHICAGO).tolist() == [96, 92, 96]


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "America"])
def test_an_unknown_zone_is_refused_in_words(name: str) -> None:
    with pytest.raises(Refused, match="IANA"):
        localday.zone(name)
