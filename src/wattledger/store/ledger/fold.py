"""Folding a file's blocks into the ledger, inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.merge import Blocks, agree, differ, merge
from wattledger.model import MISSING, Flag
from wattledger.store.ledger.blocks import Keys, groups
from wattledger.store.ledger.bulk import Bulk, Target
from wattledger.threads import done

_CHUNK = 20_000
"""blocks merged at a time: bounds memory"""
_BRIEF = 32
"""blocks that are merged within a fraction of a millisecond"""


@dataclass(slots=True)
class Folded:
    """What became of a file's slots."""

    accepted: int = 0
    conflicts: int = 0


async def fold(
    connection: AsyncConnection,
    bulk: Bulk,
    target: Target,
    keys: Keys,
    blocks: Blocks,
    old: NDArray[np.bool_],
) -> Folded:
    """Merge n different blocks into the ledger. `old`: n, whether something may be stored for this key.

    `keys.point` is `usage_point.n`. A block that does not change is not written.
    """
    folded = Folded()
    stored = np.zeros(len(keys), bool)
    candidates = np.nonzero(old)[0]
    for start in range(0, len(candidates), _CHUNK):
        part = candidates[start : start + _CHUNK]
        found, there = await bulk.existing(connection, target, keys.take(part))
        rows = part[found]
        stored[rows] = True
        if len(rows):
            await _meet(connection, bulk, target, keys.take(rows), there, blocks.take(rows), folded)
    fresh = ~stored
    if fresh.any():
        new_keys, new = (keys, blocks) if fresh.all() else (keys.take(fresh), blocks.take(fresh))
        await bulk.insert(connection, target, groups(new_keys, new))
        folded.accepted += int((new.values != MISSING).sum())
        folded.conflicts += _conflicts(new.flags)
    return folded


async def _meet(
    connection: AsyncConnection,
    bulk: Bulk,
    target: Target,
    keys: Keys,
    there: Blocks,
    mine: Blocks,
    folded: Folded,
) -> None:
    won, losers = await done(len(mine) < _BRIEF, merge, there, mine)
    folded.accepted += int(agree(won, mine).sum())
    folded.conflicts += _conflicts(won.flags[mine.values != MISSING])
    changed = differ(won, there)
    if changed.any():
        await bulk.replace(connection, target, groups(keys.take(changed), won.take(changed)))
    if len(losers):
        await bulk.supersede(connection, target, keys, losers)


def with_points(keys: Keys, numbers: NDArray[np.int32]) -> Keys:
    """Keys whose point was an index into `numbers`, now carrying `usage_point.n`."""
    return replace(keys, point=numbers[keys.point])


def _conflicts(flags: NDArray[np.uint8]) -> int:
    return int((flags & np.uint8(Flag.CONFLICT)).astype(bool).sum())
