"""Days of many usage points at once: their totals alone, or all that is stored of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.merge import Blocks
from wattledger.store.ledger.blocks import Keys, decode
from wattledger.store.tables import energy_day as table

_KEY = (table.c.usage_point, table.c.flow, table.c.day)
_TOTALS = (table.c.total_wh, table.c.found, table.c.estimated, table.c.derived)
_BLOBS = tuple(table.c[name] for name in ("revision", "payload", "values", "flags", "revisions", "payloads"))


class PointDay(NamedTuple):
    """A stored day of one of several usage points, without its slots."""

    point: int
    flow: int
    day: int
    total_wh: int
    found: int
    estimated: int
    derived: int


async def totals(connection: AsyncConnection, numbers: Sequence[int]) -> list[PointDay]:
    """All days of these usage points, by point, flow and day: answered by the index alone."""
    query = select(*_KEY, *_TOTALS).where(table.c.usage_point.in_(numbers)).order_by(*_KEY)
    rows: Any = await connection.execute(query)
    return [PointDay(*row) for row in rows]


async def stored(connection: AsyncConnection, numbers: Sequence[int]) -> tuple[Keys, Blocks]:
    """All blocks of these usage points (by `n`), by point, flow and day."""
    query = select(*_KEY, *_BLOBS).where(table.c.usage_point.in_(numbers)).order_by(*_KEY)
    rows: list[Any] = list(await connection.execute(query))
    key = np.array([row[:3] for row in rows], np.int64).reshape(-1, 3)
    slots = np.array([len(row[5]) // 4 for row in rows], np.int32)
    keys = Keys(key[:, 0].astype(np.int32), key[:, 1].astype(np.int16), key[:, 2].astype(np.int32), slots)
    return keys, decode([row[3:] for row in rows])
