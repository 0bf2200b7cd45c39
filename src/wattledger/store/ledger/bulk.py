"""What the ledger asks of an engine: many blocks in few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.merge import Blocks, Losers
from wattledger.store.ledger.blocks import Group, Keys


@dataclass(frozen=True, slots=True)
class Target:
    """The tables that are written: the ledger itself, or a replay's copy of it."""

    day: str
    superseded: str
    observation: str


LEDGER = Target("energy_day", "energy_superseded", "observation")
REPLAY = Target("replay_day", "replay_superseded", "replay_observation")


@dataclass(frozen=True, slots=True)
class Aim:
    """Where readings are written. All but the ledger itself is a replay's business."""

    target: Target = LEDGER
    only: frozenset[int] | None = None
    """the usage points (by `n`) to be written; None for all"""
    zones: Mapping[str, str] = field(default_factory=dict)
    """by external id: zones that usage points are about to have"""


COLUMNS = (
    "day",
    "usage_point",
    "flow",
    "total_wh",
    "found",
    "estimated",
    "derived",
    "revision",
    "payload",
    "values",
    "flags",
    "revisions",
    "payloads",
)
"""of `energy_day`, in the order in which rows are written"""


class Bulk(Protocol):
    """Reads and writes blocks; `keys.point` is `usage_point.n` here."""

    async def existing(
        self, connection: AsyncConnection, target: Target, keys: Keys
    ) -> tuple[NDArray[np.intp], Blocks]:
        """Which of these keys are stored already (indexes), and their by-slot blocks."""
        ...

    async def insert(self, connection: AsyncConnection, target: Target, rows: Iterable[Group]) -> None:
        """Add rows whose keys are not stored."""
        ...

    async def replace(self, connection: AsyncConnection, target: Target, rows: Iterable[Group]) -> None:
        """Overwrite rows whose keys are stored."""
        ...

    async def supersede(
        self, connection: AsyncConnection, target: Target, keys: Keys, losers: Losers
    ) -> None:
        """Keep losers readable; `losers.block` is an index into `keys`. One that is kept stays."""
        ...


def blobs(matrix: NDArray[np.generic] | None, rows: int) -> list[bytes | None]:
    """The rows of a matrix as bytes, or None for each."""
    if matrix is None:
        return [None] * rows
    raw = matrix.tobytes()
    width = len(raw) // rows
    return [raw[i : i + width] for i in range(0, len(raw), width)]


def columns(group: Group) -> list[list[object]]:
    """The thirteen columns of a group, as Python values."""
    n = len(group.keys)
    scalars = (group.total_wh, group.found, group.estimated, group.derived, group.revision, group.payload)
    matrices = (group.values, group.flags, group.revisions, group.payloads)
    return [
        group.keys.day.tolist(),
        group.keys.point.tolist(),
        group.keys.flow.tolist(),
        *(s.tolist() for s in scalars),
        *(list[object](blobs(m, n)) for m in matrices),
    ]


def loser_columns(keys: Keys, losers: Losers) -> list[list[object]]:
    """The eight columns of `energy_superseded`, as Python values."""
    at = losers.block
    arrays = (keys.point[at], keys.flow[at], keys.day[at], losers.slot, losers.revision)
    return [a.tolist() for a in (*arrays, losers.flags, losers.wh, losers.payload)]
