"""What one task does, in whatever process it runs. It never raises: what went wrong is its answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from wattledger import localday
from wattledger.errors import WattledgerError
from wattledger.faults import fault
from wattledger.fleet import ledger, reports, tables
from wattledger.fleet.held import Held, day_block
from wattledger.fleet.place import Place
from wattledger.fleet.plan import Done, Task
from wattledger.merge import Blocks
from wattledger.store.ledger.blocks import FLAGS, VALUES
from wattledger.store.ledger.digest import packed
from wattledger.store.rows import DayBlock


def work(task: Task) -> Done:
    """Do one partition."""
    fault("fleet.task")
    try:
        figures = _lake(task) if task.lake else asyncio.run(_ledger(task))
    except WattledgerError as error:
        return Done(task.part, problem=str(error))
    except Exception as error:
        return Done(task.part, problem=f"It failed with {type(error).__name__}: {error}")
    return Done(task.part, figures)


async def _ledger(task: Task) -> dict[str, Any]:
    async with ledger.opened(task) as (store, points):
        if task.verb == "replay":
            return await ledger.replay(store, points, task)
        if task.verb == "digest":
            return _leaves(await ledger.digest(store, points))
        held = await ledger.held(store, points)
        if task.verb == "totals":
            return _totals(held, task)
        return _gaps(held, await ledger.slots(store, points, held, reports.needed(held)), task)


def _lake(task: Task) -> dict[str, Any]:
    assert task.lake is not None
    held, blocks = tables.read(Place(task.lake), task.keys)
    if task.verb == "digest":
        return _leaves(_hashed(held, blocks))
    if task.verb == "totals":
        return _totals(held, task)
    return _gaps(held, _slots(held, blocks, reports.needed(held)), task)


def _leaves(leaves: bytes) -> dict[str, Any]:
    return {"leaves": leaves.hex()}


def _totals(held: Held, task: Task) -> dict[str, Any]:
    found = list(reports.months(held))
    size = tables.write(Place(task.to), task.part, tables.month_rows(found)) if task.to else 0
    return {"months": reports.month_sums(found), "bytes": size}


def _gaps(held: Held, slots: dict[int, DayBlock], task: Task) -> dict[str, Any]:
    found = list(reports.runs(held, slots, reports.at_quarter(task.now)))
    size = tables.write(Place(task.to), task.part, tables.gap_rows(found)) if task.to else 0
    return {**reports.gap_sums(held, found), "bytes": size}


def _slots(held: Held, blocks: Blocks, rows: Sequence[int]) -> dict[int, DayBlock]:
    out = {}
    for row in rows:
        tz, day = held.points[int(held.point[row])].timezone, int(held.day[row])
        out[row] = day_block(day, tz, localday.slots(day, tz), blocks, row)
    return out


def _hashed(held: Held, blocks: Blocks) -> bytes:
    """The leaves that the ledger would have of these days."""
    leaves: dict[str, Any] = {}
    flagged = np.asarray(blocks.flags.any(axis=1))
    for point, flow, rows in held.series():
        leaf, name = leaves.setdefault(point.external_id, hashlib.sha256()), point.external_id.encode()
        for row in range(rows.start, rows.stop):
            day = int(held.day[row])
            n = localday.slots(day, point.timezone)
            flags = blocks.flags[row, :n].astype(FLAGS).tobytes() if flagged[row] else None
            leaf.update(packed(name, flow, day, blocks.values[row, :n].astype(VALUES).tobytes(), flags))
    return b"".join(leaf.digest() for leaf in leaves.values())
