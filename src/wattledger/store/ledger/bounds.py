"""From the bounds a caller gives (local dates or instants, end exclusive) to local days and slots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from wattledger import localday
from wattledger.errors import Refused
from wattledger.localday import QUARTER

EARLIEST, LATEST = date(1970, 1, 2), date(2200, 1, 1)
MOST_DAYS = 366 * 60


@dataclass(frozen=True, slots=True)
class Bounds:
    """[start, end) as UTC instants on slot borders, and the local days that they touch (inclusive)."""

    start: datetime
    end: datetime
    first: int
    last: int
    tz: str


def bounds(start: date | datetime, end: date | datetime, tz: str) -> Bounds:
    """Cut at slots: a slot belongs to the span when it begins within it.

    Raises Refused for an instant without zone, an end that is not after the start, or an absurd span.
    """
    begin, finish = _instant(start, tz, "start"), _instant(end, tz, "end")
    if finish <= begin:
        raise Refused("The end must be after the start.", "BAD_BOUNDS", "end", 422)
    first, slot = localday.locate(begin, tz)
    begins = localday.instant(first, slot, tz)
    begin = begins if begins == begin else begins + QUARTER
    day, slot = localday.locate(finish, tz)
    ends = localday.instant(day, slot, tz)
    finish = ends if ends == finish else ends + QUARTER
    last = localday.locate(finish - QUARTER, tz)[0] if finish > begin else first
    if last - first > MOST_DAYS:
        raise Refused("The span is longer than sixty years.", "BAD_BOUNDS", "end", 422)
    return Bounds(begin, finish, first, last, tz)


def _instant(when: date | datetime, tz: str, field: str) -> datetime:
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise Refused(f"The {field} needs a time zone, or give a date.", "BAD_BOUNDS", field, 422)
        _within(when.date(), field)
        return when.astimezone(UTC)
    _within(when, field)
    return localday.start(localday.number(when), tz)


def _within(day: date, field: str) -> None:
    if not EARLIEST <= day < LATEST:
        raise Refused(f"The {field} must lie in 1970..2199.", "BAD_BOUNDS", field, 422)
