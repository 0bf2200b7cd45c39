"""Blocks of the ledger as rows of `energy_day`, and back. Pure; nothing is done reading by reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattledger.localday import MOST_SLOTS
from wattledger.merge import Blocks
from wattledger.model import MISSING, NO_REVISION, Flag

VALUES, FLAGS, BIG = np.dtype("<i4"), np.dtype("u1"), np.dtype("<i8")


@dataclass(slots=True)
class Keys:
    """Where n blocks belong: usage point (its `n`, or an index), flow, local day, slots."""

    point: NDArray[np.int32]
    flow: NDArray[np.int16]
    day: NDArray[np.int32]
    slots: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.day)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Keys:
        """The keys of these rows."""
        return Keys(self.point[rows], self.flow[rows], self.day[rows], self.slots[rows])


@dataclass(slots=True)
class Group:
    """m rows of `energy_day` whose blobs are equally long; a blob is None where all m rows have NULL."""

    keys: Keys
    total_wh: NDArray[np.int64]
    found: NDArray[np.int64]
    estimated: NDArray[np.int64]
    derived: NDArray[np.int64]
    revision: NDArray[np.int64]
    payload: NDArray[np.int64]
    values: NDArray[np.int32]
    flags: NDArray[np.uint8] | None
    revisions: NDArray[np.int64] | None
    payloads: NDArray[np.int64] | None


def groups(keys: Keys, blocks: Blocks) -> Iterator[Group]:
    """The rows of these blocks, grouped by which blobs they need and how long a day is. Order is kept."""
    known = blocks.values != MISSING
    revision, mixed_revision = _scalar(blocks.revision, known)
    payload, mixed_payload = _scalar(blocks.payload, known)
    flagged = np.asarray(blocks.flags.any(axis=1), bool)
    total, found, estimated, derived = (
        np.where(known, blocks.values, 0).sum(axis=1, dtype=np.int64),
        known.sum(axis=1, dtype=np.int64),
        _count(blocks.flags, Flag.ESTIMATED, flagged),
        _count(blocks.flags, Flag.DERIVED, flagged),
    )
    shape = keys.slots * 8 + flagged * 4 + mixed_revision * 2 + mixed_payload
    for form in np.unique(shape):
        rows = np.nonzero(shape == form)[0]
        n = int(form) // 8
        part = blocks if len(rows) == len(blocks) else blocks.take(rows)
        yield Group(
            keys.take(rows),
            total[rows],
            found[rows],
            estimated[rows],
            derived[rows],
            revision[rows],
            payload[rows],
            np.ascontiguousarray(part.values[:, :n], VALUES),
            np.ascontiguousarray(part.flags[:, :n], FLAGS) if form & 4 else None,
            np.ascontiguousarray(part.revision[:, :n], BIG) if form & 2 else None,
            np.ascontiguousarray(part.payload[:, :n], BIG) if form & 1 else None,
        )


def _count(flags: NDArray[np.uint8], flag: Flag, flagged: NDArray[np.bool_]) -> NDArray[np.int64]:
    out = np.zeros(len(flags), np.int64)
    out[flagged] = (flags[flagged] & np.uint8(flag)).astype(bool).sum(axis=1)
    return out


def _scalar(
    per_slot: NDArray[np.int64], known: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The greatest value of each row over its known slots, and whether the row holds several."""
    if per_slot.shape[1] == 1:
        return per_slot[:, 0], np.zeros(len(per_slot), bool)
    lowest = np.iinfo(np.int64).min
    greatest = np.where(known, per_slot, lowest).max(axis=1)
    return greatest, (known & (per_slot != greatest[:, None])).any(axis=1)


def decode(rows: Sequence[Sequence[Any]]) -> Blocks:
    """By-slot blocks of rows (revision, payload, values, flags, revisions, payloads)."""
    n = len(rows)
    out = Blocks(
        np.full((n, MOST_SLOTS), MISSING, np.int32),
        np.zeros((n, MOST_SLOTS), np.uint8),
        np.full((n, MOST_SLOTS), NO_REVISION, np.int64),
        np.zeros((n, MOST_SLOTS), np.int64),
    )
    for i, (revision, payload, values, flags, revisions, payloads) in enumerate(rows):
        wh = np.frombuffer(values, VALUES)
        m = len(wh)
        out.values[i, :m] = wh
        if flags is not None:
            out.flags[i, :m] = np.frombuffer(flags, FLAGS)
        out.revision[i, :m] = revision if revisions is None else np.frombuffer(revisions, BIG)
        out.payload[i, :m] = payload if payloads is None else np.frombuffer(payloads, BIG)
    missing = out.values == MISSING
    out.revision[missing] = NO_REVISION
    out.payload[missing] = 0
    return out
