"""Where hours, days and months begin among quarter-hours in a row, by a zone's clock. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from wattledger import localday
from wattledger.localday import QUARTER

Step = Literal["interval", "hour", "day", "month"]


def edges(start: datetime, n: int, tz: str, by: Step) -> list[int]:
    """Indexes at which a step begins, from 0 to n, both included; the first and last may be cut short."""
    if by == "interval":
        return list(range(n + 1))
    inner = (at for at in _beginnings(start, start + n * QUARTER, tz, by) if 0 < at < n)
    return [0, *inner, n]


def _beginnings(start: datetime, end: datetime, tz: str, by: Step) -> Iterator[int]:
    first, last = localday.locate(start, tz)[0], localday.locate(end, tz)[0]
    for day in range(first, last + 1):
        at = (localday.start(day, tz) - start) // QUARTER
        if by == "hour":
            yield from range(at, at + localday.slots(day, tz), 4)
        elif by == "day" or localday.day(day).day == 1:
            yield at
