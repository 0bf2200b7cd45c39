"""Energy of a span by interval, hour, local day or local month. Pure, over stored days.

An hour is four consecutive quarter-hours on the UTC axis from local midnight: the doubled hour of autumn is
two hours, the skipped one of spring none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from wattledger import localday
from wattledger.localday import QUARTER
from wattledger.model import MISSING, Flag
from wattledger.store.ledger.bounds import Bounds
from wattledger.store.ledger.days import DayTotal
from wattledger.store.rows import DayBlock, Quality, SeriesPoint


@dataclass(slots=True)
class Sum:
    """What is known of a span of time."""

    wh: int = 0
    found: int = 0
    expected: int = 0
    estimated: int = 0
    derived: int = 0
    conflict: bool = False

    def add(self, other: Sum) -> None:
        """Take in what is known of a part of this span."""
        self.wh += other.wh
        self.found += other.found
        self.estimated += other.estimated
        self.derived += other.derived
        self.conflict |= other.conflict

    def point(self, start: datetime, end: datetime) -> SeriesPoint:
        """The span as an answer."""
        wh = self.wh if self.found else None
        return SeriesPoint(start, end, wh, self.quality, self.found, self.expected, self.conflict)

    @property
    def quality(self) -> Quality:
        """One word for the readings of the span; slots without a reading show in found < expected."""
        if not self.found:
            return "missing"
        if self.estimated == self.found:
            return "estimated"
        if self.derived == self.found and not self.estimated:
            return "derived"
        return "mixed" if self.estimated or self.derived else "actual"


def by_slots(blocks: Sequence[DayBlock], span: Bounds, width: int) -> Iterator[SeriesPoint]:
    """Points of `width` quarter-hours (1 or 4), cut at the span's borders."""
    stored = {block.day: block for block in blocks}
    for day in range(span.first, span.last + 1):
        low, high = _cut(day, span)
        if low >= high:
            continue
        starts = [max(slot, low) for slot in range(low - low % width, high, width)]
        ends = [*starts[1:], high]
        sums = _sums(stored.get(day), starts, ends)
        begins = localday.start(day, span.tz)
        instants = [begins + slot * QUARTER for slot in (*starts, high)]
        for sum_, start, end in zip(sums, instants, instants[1:], strict=False):
            yield sum_.point(start, end)


def _sums(block: DayBlock | None, starts: Sequence[int], ends: Sequence[int]) -> Iterator[Sum]:
    """What is known of consecutive runs of a day's slots."""
    expected = [b - a for a, b in zip(starts, ends, strict=True)]
    if block is None:
        return (Sum(expected=n) for n in expected)
    values, flags = block.values[: ends[-1]], block.flags[: ends[-1]]
    known = values != MISSING
    columns = [np.where(known, values, 0), known]
    columns += [flags & np.uint8(flag) != 0 for flag in (Flag.ESTIMATED, Flag.DERIVED, Flag.CONFLICT)]
    wh, found, estimated, derived, conflict = (
        np.add.reduceat(column.astype(np.int64), starts).tolist() for column in columns
    )
    rows = zip(wh, found, expected, estimated, derived, map(bool, conflict), strict=True)
    return (Sum(*row) for row in rows)


def by_days(
    totals: Sequence[DayTotal], edges: Sequence[DayBlock], span: Bounds, following: Callable[[int], int]
) -> Iterator[SeriesPoint]:
    """Points of whole days or months; `following` is the day at which the next point begins.

    `totals` are ordered by day; `edges` are the blocks of days that the span cuts.
    """
    cut = {block.day: block for block in edges}
    day, rest = span.first, iter((*totals, None))
    total = next(rest)
    while day <= span.last:
        after = min(following(day), span.last + 1)
        begins, ends = max(span.start, localday.start(day, span.tz)), localday.start(after, span.tz)
        ends = min(span.end, ends)
        sum_ = Sum(expected=(ends - begins) // QUARTER)
        while total and total.day < after:
            block = cut.get(total.day)
            sum_.add(_whole(total) if block is None else _slots(block, *_cut(block.day, span)))
            total = next(rest)
        yield sum_.point(begins, ends)
        day = after


def _whole(total: DayTotal) -> Sum:
    return Sum(total.total_wh, total.found, 0, total.estimated, total.derived)


def _cut(day: int, span: Bounds) -> tuple[int, int]:
    """The slots of a day that lie in the span: [low, high)."""
    if span.first < day < span.last:
        return 0, localday.slots(day, span.tz)
    begins = localday.start(day, span.tz)
    low = max(0, (span.start - begins) // QUARTER)
    return low, min(localday.slots(day, span.tz), (span.end - begins) // QUARTER)


def cuts(span: Bounds) -> list[int]:
    """The days that the span holds only in part."""
    ends = sorted({span.first, span.last})
    return [day for day in ends if _cut(day, span) != (0, localday.slots(day, span.tz))]


def _slots(block: DayBlock, low: int, high: int) -> Sum:
    return next(_sums(block, [low], [high])) if low < high else Sum()
