"""Values that lost, beside the one that holds: all of a range at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from wattledger import localday
from wattledger.localday import MOST_SLOTS
from wattledger.merge import QUALITY, Blocks
from wattledger.model import MISSING, NO_REVISION
from wattledger.store.rows import DayBlock, Quality, Revision, Said

_QUARTER_SECONDS = 900
_NAMES: tuple[Quality, ...] = ("actual", "estimated", "derived", "estimated")
"""by quality bits"""

Ints = NDArray[np.int64]


def revisions(lost: Sequence[Sequence[int]], blocks: Sequence[DayBlock], tz: str) -> list[Revision]:
    """Rows (day, slot, wh, flags, revision, payload) that lost, each with what its stored day holds.

    `blocks` are sorted by day; a day without a block, or a slot without a value, has no winner.
    """
    day, slot, wh, flags, revision, payload = np.array(lost, np.int64).reshape(-1, 6).T
    losing = _said(wh, flags, revision, payload)
    won = _by_slot(blocks)
    days = np.array([*(b.day for b in blocks), np.iinfo(np.int64).max], np.int64)
    row = np.searchsorted(days, day)
    row[days[row] != day] = len(blocks)
    values = won.values[row, slot]
    there = values != MISSING
    winning = _said(values, won.flags[row, slot], won.revision[row, slot], won.payload[row, slot])
    held = [said if known else None for said, known in zip(winning, there.tolist(), strict=True)]
    return list(map(Revision, _starts(day, slot, tz), losing, held))


def _starts(day: Ints, slot: Ints, tz: str) -> list[datetime]:
    days, of = np.unique(day, return_inverse=True)
    begins = np.array([int(localday.start(int(n), tz).timestamp()) for n in days], np.int64)
    return [datetime.fromtimestamp(second, UTC) for second in (begins[of] + slot * _QUARTER_SECONDS).tolist()]


def _said(
    wh: NDArray[np.signedinteger], flags: NDArray[np.integer], revision: Ints, payload: Ints
) -> list[Said]:
    names = [_NAMES[bits] for bits in (flags & int(QUALITY)).tolist()]
    return list(map(Said, wh.tolist(), names, _moments(revision), payload.tolist()))


def _moments(seconds: Ints) -> list[datetime | None]:
    distinct, of = np.unique(seconds, return_inverse=True)
    known = [None if s == NO_REVISION else datetime.fromtimestamp(s, UTC) for s in distinct.tolist()]
    return [known[k] for k in of.tolist()]


def _by_slot(blocks: Sequence[DayBlock]) -> Blocks:
    """The blocks as rows of 100 slots, and a row where nothing is known after the last."""
    shape = (len(blocks) + 1, MOST_SLOTS)
    out = Blocks(
        np.full(shape, MISSING, np.int32),
        np.zeros(shape, np.uint8),
        np.full(shape, NO_REVISION, np.int64),
        np.zeros(shape, np.int64),
    )
    for i, block in enumerate(blocks):
        n = len(block.values)
        out.values[i, :n], out.flags[i, :n] = block.values, block.flags
        out.revision[i, :n], out.payload[i, :n] = block.revision, block.payload
    return out
