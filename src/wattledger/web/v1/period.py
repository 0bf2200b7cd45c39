"""Bounds of a question about energy: local dates or instants, the end exclusive, with sensible defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from wattledger import localday
from wattledger.errors import Refused
from wattledger.store.people.sites import SiteRow
from wattledger.store.rows import By, UsagePointRow

DEFAULT_DAYS: dict[By, int] = {"interval": 1, "hour": 7, "day": 31, "month": 366}
MOST_DAYS: dict[By, int] = {"interval": 1_100, "hour": 1_100, "day": 36_600, "month": 36_600}
"""the longest span by step, so that one question stays small"""
FIRST, LAST = date(1990, 1, 1), date(2100, 1, 1)
_LOST_PLUS = re.compile(r"(T\S+) (\d\d:?\d\d)")


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) as UTC instants, in a usage point's zone."""

    start: datetime
    end: datetime
    timezone: str

    @property
    def first_day(self) -> int:
        """The local day number that holds the start."""
        return localday.locate(self.start, self.timezone)[0]

    @property
    def last_day(self) -> int:
        """The local day number that holds the last instant before the end."""
        return localday.locate(self.end - localday.QUARTER / 900, self.timezone)[0]


def period(
    place: UsagePointRow | SiteRow, by: By, start: str | None, end: str | None, now: datetime
) -> Period:
    """The period of a question. Raises Refused BAD_RANGE that names the bound."""
    tz = place.timezone
    until = _bound("end", end, tz) if end else localday.start(localday.today(now, tz) + 1, tz)
    since = _bound("start", start, tz) if start else _default_start(until, by, tz)
    if not since < until:
        raise Refused("start must be before end; the end is exclusive.", "BAD_RANGE", "start")
    if (until - since).days > MOST_DAYS[by]:
        raise Refused(f"By {by}, ask for at most {MOST_DAYS[by]} days at once.", "BAD_RANGE", "start")
    return Period(since, until, tz)


def _default_start(until: datetime, by: By, tz: str) -> datetime:
    day, slot = localday.locate(until, tz)
    last = day if slot else day - 1
    return localday.start(max(last - DEFAULT_DAYS[by] + 1, localday.number(FIRST)), tz)


def _bound(name: str, text: str, tz: str) -> datetime:
    try:
        if len(text) == 10:
            return localday.start(localday.number(_possible(date.fromisoformat(text))), tz)
        when = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text))
        if when.tzinfo is None:
            raise ValueError("no offset")
        _possible(when.date())
        return when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(
            f"{name} must be a local day (2025-11-02) or an instant with its offset (2025-11-02T05:00:00Z), "
            f"from {FIRST.year} to {LAST.year - 1}.",
            "BAD_RANGE",
            name,
        ) from None


def _possible(day: date) -> date:
    if not FIRST <= day < LAST:
        raise ValueError("out of range")
    return day
