"""Runs of quarter-hours without a reading. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np

from wattledger import localday
from wattledger.localday import QUARTER
from wattledger.model import MISSING
from wattledger.store.rows import DayBlock, Gap

Run = tuple[datetime, datetime]


def partly(found: Mapping[int, int], first: int, last: int, tz: str) -> list[int]:
    """The days of which some quarter-hours are known and some are not."""
    return [day for day in range(first, last + 1) if 0 < found.get(day, 0) < localday.slots(day, tz)]


def gaps(
    found: Mapping[int, int], blocks: Mapping[int, DayBlock], first: int, last: int, tz: str
) -> list[Gap]:
    """Gaps of days first..last, joined over midnight. `blocks` holds the days that `partly` named."""
    runs: list[Run] = []
    for day in range(first, last + 1):
        if day in blocks:
            runs += _missing(blocks[day])
        elif found.get(day, 0) == 0:
            runs.append((localday.start(day, tz), localday.start(day + 1, tz)))
    return [_gap(start, end, tz) for start, end in _joined(runs)]


def within(found: Iterable[Gap], blocks: Sequence[DayBlock], tz: str) -> list[Gap]:
    """Gaps between the first and the newest reading; `blocks` are the days of those two."""
    begin, end = known_between(blocks, tz)
    cut = [(max(gap.start, begin), min(gap.end, end)) for gap in found]
    return [_gap(a, b, tz) for a, b in cut if a < b]


def before(found: Iterable[Gap], end: datetime, tz: str) -> list[Gap]:
    """Gaps as far as they lie before an instant."""
    return [gap if gap.end <= end else _gap(gap.start, end, tz) for gap in found if gap.start < end]


def known_between(blocks: Sequence[DayBlock], tz: str) -> tuple[datetime, datetime]:
    """When the first reading of the first block begins, and the newest of the last ends."""
    first, last = blocks[0], blocks[-1]
    begin = localday.instant(first.day, int(np.nonzero(first.values != MISSING)[0][0]), tz)
    end = localday.instant(last.day, int(np.nonzero(last.values != MISSING)[0][-1]), tz)
    return begin, end + QUARTER


def _missing(block: DayBlock) -> list[Run]:
    edges = np.diff(np.concatenate(([0], block.values == MISSING, [0])).astype(np.int8))
    begins = localday.start(block.day, block.tz)
    ups, downs = np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0]
    return [(begins + int(a) * QUARTER, begins + int(b) * QUARTER) for a, b in zip(ups, downs, strict=True)]


def _joined(runs: Iterable[Run]) -> list[Run]:
    out: list[Run] = []
    for start, end in runs:
        if out and out[-1][1] == start:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def _gap(start: datetime, end: datetime, tz: str) -> Gap:
    first, last = localday.locate(start, tz)[0], localday.locate(end - QUARTER, tz)[0]
    return Gap(start, end, (end - start) // QUARTER, localday.day(first), localday.day(last))
