"""What holds when several payloads speak of the same quarter-hour. Pure; arrays of n blocks x 100 slots.

Per slot the greatest (revision, actual over derived over estimated, Wh) wins; nothing known is lowest.
Equal revision and quality with different Wh is a conflict: the greater holds and is flagged. So the
result depends only on the set of payloads, never on their order or number (a join of a semilattice).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattledger.faults import sabotaged
from wattledger.model import MISSING, NO_REVISION, Flag

QUALITY = np.uint8(Flag.ESTIMATED | Flag.DERIVED)
_CONFLICT = np.uint8(Flag.CONFLICT)
_RANK = np.array([4, 2, 3, 1], np.uint8)
"""by quality bits: actual, estimated, derived, derived from estimated; nothing known has 0"""


@dataclass(slots=True)
class Blocks:
    """States of n x 100 slots. `revision` and `payload` are n x 1 where each block has one of its own."""

    values: NDArray[np.int32]
    flags: NDArray[np.uint8]
    revision: NDArray[np.int64]
    payload: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Blocks:
        """The blocks of these rows."""
        return Blocks(self.values[rows], self.flags[rows], self.revision[rows], self.payload[rows])

    def put(self, rows: NDArray[np.intp], other: Blocks) -> None:
        """Replace the blocks of these rows; both sides must carry revision and payload by slot."""
        self.values[rows], self.flags[rows] = other.values, other.flags
        self.revision[rows], self.payload[rows] = other.revision, other.payload

    def by_slot(self) -> Blocks:
        """The same with revision and payload spread over the slots (fresh arrays)."""
        shape, known = self.values.shape, self.values != MISSING
        return Blocks(
            self.values.copy(),
            self.flags.copy(),
            np.where(known, np.broadcast_to(self.revision, shape), NO_REVISION),
            np.where(known, np.broadcast_to(self.payload, shape), 0),
        )


@dataclass(slots=True)
class Losers:
    """Readings that lost to one with another Wh or quality: k rows, `block` and `slot` say where."""

    block: NDArray[np.intp]
    slot: NDArray[np.intp]
    wh: NDArray[np.int32]
    flags: NDArray[np.uint8]
    revision: NDArray[np.int64]
    payload: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.block)

    @classmethod
    def concat(cls, parts: list[Losers]) -> Losers:
        """All of several, in order."""
        names = ("block", "slot", "wh", "flags", "revision", "payload")
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def merge(a: Blocks, b: Blocks) -> tuple[Blocks, Losers]:
    """The join of two equally long rows of blocks, and what lost. Neither input is changed."""
    there_a, there_b = a.values != MISSING, b.values != MISSING
    rank_a, rank_b = _rank(a, there_a), _rank(b, there_b)
    rev_a, rev_b = _revision(a, there_a), _revision(b, there_b)
    same_revision = rev_a == rev_b
    rivals = same_revision & (rank_a == rank_b)
    take_b = (rev_b > rev_a) | (same_revision & (rank_b > rank_a)) | (rivals & (b.values > a.values))
    if sabotaged("merge_order"):
        take_b = there_b
    alike = a.values == b.values
    flags = np.where(take_b, b.flags, a.flags)
    flags |= np.where(rivals, (a.flags | b.flags) & _CONFLICT, 0)
    flags[rivals & ~alike] |= _CONFLICT
    payload = np.where(take_b, b.payload, a.payload)
    payload = np.where(rivals & alike, np.minimum(a.payload, b.payload), payload)
    payload[~(there_a | there_b)] = 0
    won = Blocks(np.where(take_b, b.values, a.values), flags, np.where(take_b, rev_b, rev_a), payload)
    return won, _losers(a, b, take_b, there_a & there_b)


def differ(a: Blocks, b: Blocks) -> NDArray[np.bool_]:
    """n: whether two rows of by-slot blocks differ in anything that is stored."""
    unlike = (a.values != b.values) | (a.flags != b.flags)
    unlike |= (a.revision != b.revision) | (a.payload != b.payload)
    return np.asarray(unlike.any(axis=1))


def agree(a: Blocks, b: Blocks) -> NDArray[np.bool_]:
    """n x 100: where both know a value and it is the same in Wh and quality."""
    same = (a.values == b.values) & (a.flags & QUALITY == b.flags & QUALITY)
    return np.asarray(same & (a.values != MISSING))


def _rank(blocks: Blocks, there: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(there, _RANK[blocks.flags & QUALITY], 0)


def _revision(blocks: Blocks, there: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.where(there, np.broadcast_to(blocks.revision, there.shape), NO_REVISION)


def _losers(a: Blocks, b: Blocks, take_b: NDArray[np.bool_], both: NDArray[np.bool_]) -> Losers:
    unlike = both & ((a.values != b.values) | (a.flags & QUALITY != b.flags & QUALITY))
    block, slot = np.nonzero(unlike)
    from_a = take_b[block, slot]

    def lost(left: NDArray[np.generic], right: NDArray[np.generic]) -> NDArray[np.generic]:
        shape = a.values.shape
        x, y = np.broadcast_to(left, shape), np.broadcast_to(right, shape)
        return np.where(from_a, x[block, slot], y[block, slot])

    return Losers(
        block,
        slot,
        lost(a.values, b.values).astype(np.int32),
        lost(a.flags & QUALITY, b.flags & QUALITY).astype(np.uint8),
        lost(a.revision, b.revision).astype(np.int64),
        lost(a.payload, b.payload).astype(np.int64),
    )
