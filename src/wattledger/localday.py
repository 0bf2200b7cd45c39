"""Local days and their quarter-hours: 92, 96 or 100 of them, each with one UTC instant.

A day is a number: days since 1970-01-01 in the usage point's own zone. Slot 0 starts at local midnight;
slot i starts 15*i minutes later on the UTC axis, whatever the clocks on the wall do in between.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from wattledger.errors import Refused

MOST_SLOTS = 100
QUARTER = timedelta(minutes=15)
_EPOCH = date(1970, 1, 1)


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises Refused for an unknown one."""
    try:
        return _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused(
            f"{name!r} is no time zone; use an IANA name such as America/Chicago.", "BAD_ZONE"
        ) from None


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day(n: int) -> date:
    """The calendar date of a day number."""
    return _EPOCH + timedelta(days=int(n))


@lru_cache(maxsize=65536)
def start(n: int, tz: str) -> datetime:
    """The UTC instant at which local day `n` begins (the first instant of that date)."""
    d = day(n)
    local = datetime(d.year, d.month, d.day, tzinfo=_zone(tz))
    return local.astimezone(UTC)


@lru_cache(maxsize=65536)
def slots(n: int, tz: str) -> int:
    """How many quarter-hours local day `n` has: 92, 96 or 100 where clocks move by an hour."""
    return (start(n + 1, tz) - start(n, tz)) // QUARTER


def slot_counts(days: NDArray[np.int32], tz: str) -> NDArray[np.int32]:
    """`slots` for an array of day numbers."""
    unique, inverse = np.unique(days, return_inverse=True)
    return np.array([slots(int(n), tz) for n in unique], np.int32)[inverse]


def instant(n: int, slot: int, tz: str) -> datetime:
    """The UTC instant at which a slot of local day `n` begins."""
    return start(n, tz) + slot * QUARTER


def locate(when: datetime, tz: str) -> tuple[int, int]:
    """The local day number and the slot that hold an instant."""
    n = number(when.astimezone(_zone(tz)).date())
    return n, (when - start(n, tz)) // QUARTER


def today(now: datetime, tz: str) -> int:
    """The local day number of an instant."""
    return number(now.astimezone(_zone(tz)).date())
