"""Reading stored days: blocks with their slots, or their totals alone from the index."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, select

from wattledger.model import Flow
from wattledger.store.database import Database
from wattledger.store.ledger.blocks import BIG, FLAGS, VALUES
from wattledger.store.rows import DayBlock
from wattledger.store.tables import energy_day as table
from wattledger.store.tables import energy_superseded as lost

_KEY = (
    table.c.usage_point == bindparam("point"),
    table.c.flow == bindparam("flow"),
    table.c.day.between(bindparam("first"), bindparam("last")),
)
_TOTALS = (table.c.day, table.c.total_wh, table.c.found, table.c.estimated, table.c.derived)
_BLOCKS = (*_TOTALS, table.c.revision, table.c.payload, table.c["values"], table.c.flags)
_BLOCK_QUERY = select(*_BLOCKS, table.c.revisions, table.c.payloads).where(*_KEY).order_by(table.c.day)
_TOTAL_QUERY = select(*_TOTALS).where(*_KEY).order_by(table.c.day)
_LOST = ("day", "slot", "wh", "flags", "revision", "payload")
_LOST_QUERY = (
    select(*(lost.c[name] for name in _LOST))
    .where(
        lost.c.usage_point == bindparam("point"),
        lost.c.flow == bindparam("flow"),
        lost.c.day.between(bindparam("first"), bindparam("last")),
    )
    .order_by(lost.c.day, lost.c.slot, lost.c.revision, lost.c.flags.desc(), lost.c.wh)
)


class DayTotal(NamedTuple):
    """A stored day without its slots."""

    day: int
    total_wh: int
    found: int
    estimated: int
    derived: int


async def read_blocks(
    database: Database, point: int, flow: Flow, first: int, last: int, tz: str
) -> list[DayBlock]:
    """Stored days first..last (inclusive) of one usage point, by number."""
    parameters = {"point": point, "flow": int(flow), "first": first, "last": last}
    async with database.connect() as connection:
        rows = await connection.execute(_BLOCK_QUERY, parameters)
        return [_block(row, tz) for row in rows]


async def read_totals(database: Database, point: int, flow: Flow, first: int, last: int) -> list[DayTotal]:
    """Totals of stored days first..last (inclusive): answered by the index alone."""
    parameters = {"point": point, "flow": int(flow), "first": first, "last": last}
    async with database.connect() as connection:
        rows: Any = await connection.execute(_TOTAL_QUERY, parameters)
        return [DayTotal(*row) for row in rows]


async def read_superseded(
    database: Database, point: int, flow: Flow, first: int, last: int
) -> list[tuple[int, ...]]:
    """Readings of the days first..last that lost: (day, slot, wh, flags, revision, payload), by slot."""
    parameters = {"point": point, "flow": int(flow), "first": first, "last": last}
    async with database.connect() as connection:
        rows: Any = await connection.execute(_LOST_QUERY, parameters)
        return [tuple(row) for row in rows]


def _block(row: Any, tz: str) -> DayBlock:
    day, total, found, estimated, derived, revision, payload, values, flags, revisions, payloads = row
    wh = np.frombuffer(values, VALUES)
    return DayBlock(
        day=day,
        tz=tz,
        values=wh,
        flags=np.zeros(len(wh), FLAGS) if flags is None else np.frombuffer(flags, FLAGS),
        revision=revision if revisions is None else _numbers(revisions),
        payload=payload if payloads is None else _numbers(payloads),
        total_wh=total,
        found=found,
        estimated=estimated,
        derived=derived,
    )


def _numbers(blob: bytes) -> NDArray[np.int64]:
    return np.frombuffer(blob, BIG)
