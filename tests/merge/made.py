"""Histories by the ten thousand: each row of the blocks is one usage point's day of four slots."""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from wattledger.merge import Blocks, merge
from wattledger.model import MISSING, NO_REVISION

SLOTS, FILES = 4, 8


def deliveries(chance: np.random.Generator, count: int) -> list[Blocks]:
    """Eight files, each with a block of every history: values, revisions and qualities that contradict."""
    shape, files = (count, SLOTS), []
    for _ in range(FILES):
        known = chance.random(shape) > 0.2
        files.append(
            Blocks(
                np.where(known, chance.integers(0, 4, shape), MISSING).astype(np.int32),
                np.where(known, chance.integers(0, 4, shape), 0).astype(np.uint8),
                np.where(known, chance.integers(0, 3, shape), NO_REVISION).astype(np.int64),
                np.where(known, chance.integers(1, 5, shape), 0).astype(np.int64),
            )
        )
    return files


def shuffled(files: list[Blocks], chance: np.random.Generator) -> list[Blocks]:
    """The same, each split in two, one piece told again, and every history in an order of its own."""
    pieces = [half for file in files for half in _split(file, chance)]
    pieces.append(pieces[int(chance.integers(len(pieces)))])
    rows = len(files[0].values)
    order = np.argsort(chance.random((len(pieces), rows)), axis=0)
    columns = [
        np.take_along_axis(np.stack([getattr(p, name) for p in pieces]), order[:, :, None], axis=0)
        for name in ("values", "flags", "revision", "payload")
    ]
    return [Blocks(*(column[n] for column in columns)) for n in range(len(pieces))]


def joined(files: list[Blocks]) -> NDArray[np.int64]:
    """What each history came to, one row each."""
    won = reduce(lambda a, b: merge(a, b)[0], files)
    return np.hstack([np.asarray(c, np.int64) for c in (won.values, won.flags, won.revision, won.payload)])


def _split(file: Blocks, chance: np.random.Generator) -> tuple[Blocks, Blocks]:
    mine = chance.random(file.values.shape) < 0.5
    return _only(file, mine), _only(file, ~mine)


def _only(file: Blocks, mine: NDArray[np.bool_]) -> Blocks:
    return Blocks(
        np.where(mine, file.values, MISSING).astype(np.int32),
        np.where(mine, file.flags, 0).astype(np.uint8),
        np.where(mine, file.revision, NO_REVISION).astype(np.int64),
        np.where(mine, file.payload, 0).astype(np.int64),
    )
