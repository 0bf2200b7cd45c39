"""A partition of the ledger itself: read for reports and digests, or recomputed from the archive."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from wattledger import connectors, localday
from wattledger.config import database_url, load_settings
from wattledger.errors import Misconfigured
from wattledger.faults import sabotaged
from wattledger.fleet import tables
from wattledger.fleet.held import Held, Point, day_block
from wattledger.fleet.place import Place
from wattledger.fleet.plan import Task
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.archive.recompute import Found
from wattledger.store.ledger.blocks import Keys
from wattledger.store.ledger.bulk import LEDGER
from wattledger.store.ledger.digest import leaves
from wattledger.store.ledger.many_days import PointDay, stored, totals
from wattledger.store.rows import DayBlock, UsagePointRow
from wattledger.store.tables import observation, point_state, usage_point
from wattledger.store.usage_points import row_of

_CHUNK = 5000
"""days whose slots are read at a time: bounds memory"""


def mark_of(external_ids: Iterable[str]) -> str:
    """A word for the usage points of a partition, in their order."""
    return hashlib.sha256("\n".join(external_ids).encode()).hexdigest()[:16]


@asynccontextmanager
async def opened(task: Task) -> AsyncIterator[tuple[Store, list[UsagePointRow]]]:
    """The ledger by this process's own settings, without any key, and the partition's usage points.

    Raises Misconfigured where this is another ledger than the run's.
    """
    settings = load_settings(Path(task.data) if task.data else None)
    store = await open_store(
        database_url(settings),
        data=settings.data,
        parse=connectors.parse,
        vault=Vault({}),
        objects=settings.objects,
    )
    try:
        points = await _points(store, task.points)
        if mark_of(p.external_id for p in points) != task.mark and not sabotaged("fleet_mark"):
            raise Misconfigured("DATABASE_URL: this worker reads another ledger than the run's.")
        yield store, points
    finally:
        await store.close()


async def _points(store: Store, numbers: Sequence[int]) -> list[UsagePointRow]:
    async with store.connect() as connection:
        rows = await connection.execute(select(usage_point).where(usage_point.c.n.in_(numbers)))
        return sorted(map(row_of, rows), key=lambda row: row.external_id)


async def digest(store: Store, points: Sequence[UsagePointRow]) -> bytes:
    """The leaves of the partition."""
    async with store.connect() as connection:
        return await leaves(connection, [(p.external_id, p.n) for p in points])


async def held(store: Store, points: Sequence[UsagePointRow]) -> Held:
    """The partition's days, without their slots."""
    async with store.connect() as connection:
        rows = await totals(connection, [p.n for p in points])
    table = np.array(rows, np.int64).reshape(-1, len(PointDay._fields))
    index = np.zeros(max((p.n for p in points), default=0) + 1, np.int64)
    index[[p.n for p in points]] = np.arange(len(points))
    of = index[table[:, 0]]
    order = np.lexsort((table[:, 2], table[:, 1], of))
    columns = [table[order, i] for i in range(1, len(PointDay._fields))]
    return Held([known(p) for p in points], of[order], *columns)


async def slots(
    store: Store, points: Sequence[UsagePointRow], of: Held, rows: Sequence[int]
) -> dict[int, DayBlock]:
    """The slots of some rows of `held`."""
    out: dict[int, DayBlock] = {}
    for start in range(0, len(rows), _CHUNK):
        some = np.array(rows[start : start + _CHUNK])
        n = np.array([p.n for p in points], np.int32)[of.point[some]]
        days = of.day[some].astype(np.int32)
        keys = Keys(n, of.flow[some].astype(np.int16), days, np.zeros(len(some), np.int32))
        async with store.connect() as connection:
            found, blocks = await store.bulk.existing(connection, LEDGER, keys)
        for i, row in enumerate(some[found].tolist()):
            tz = of.points[int(of.point[row])].timezone
            day = int(of.day[row])
            out[row] = day_block(day, tz, localday.slots(day, tz), blocks, i)
    return out


async def replay(store: Store, points: Sequence[UsagePointRow], task: Task) -> dict[str, Any]:
    """Recompute the partition, and swap it in or write it to a lake. Figures for the journal."""
    observed = await _observed(store, [p.n for p in points])
    mine = [p.n for p in points if p.n not in observed]
    size = 0
    if task.to is None:
        found = await store.recompute.swap(mine)
    else:
        found = await store.recompute.energy(mine)
        size = await _written(store, points, sorted(observed), found, task)
    return {
        "payloads": found.payloads,
        "unreadable": found.unreadable,
        "beyond": found.beyond,
        "observed": sorted(observed),
        "bytes": size,
    }


async def _written(
    store: Store, points: Sequence[UsagePointRow], observed: list[int], found: Found, task: Task
) -> int:
    """What was recomputed, and the ledger's own days where energy is booked from observations."""
    assert task.to is not None
    keys, blocks = found.energy.whole()
    if observed:
        async with store.connect() as connection:
            parts = [(keys, blocks), await stored(connection, observed)]
        keys, blocks = tables.together(parts)
    index = {p.n: i for i, p in enumerate(points)}
    keys.point = np.array([index[n] for n in keys.point.tolist()], np.int32)
    return tables.write(Place(task.to), task.part, tables.days([known(p) for p in points], keys, blocks))


def known(point: UsagePointRow) -> Point:
    """A usage point without what is its site's."""
    return Point(point.external_id, point.kind, point.timezone)


async def _observed(store: Store, numbers: Sequence[int]) -> set[int]:
    """Those whose energy is booked from observations."""
    found: set[int] = set()
    async with store.connect() as connection:
        for table in (observation, point_state):
            query = select(table.c.usage_point).distinct().where(table.c.usage_point.in_(numbers))
            found |= set(await connection.scalars(query))
    return found
