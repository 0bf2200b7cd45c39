"""Recomputing the energy of some usage points in memory, from the archive: many such parts go side by side.

Nothing is locked while payloads are read. In the transaction that swaps, under the row locks every writer of
these usage points needs, what was read is compared with what there is now; where that changed, it is read
again. Usage points with observations are not recomputed here: their energy is booked by `Replay`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import BadPayload, TryLater
from wattledger.faults import fault, sabotaged
from wattledger.model import Parsed
from wattledger.store.archive import points_of
from wattledger.store.archive.bodies import Bodies
from wattledger.store.archive.jobs import Job, payload_of
from wattledger.store.archive.joining import Joined, Part, joined
from wattledger.store.archive.prepare import known_at, prepare
from wattledger.store.archive.reader import Parse, owner_of
from wattledger.store.database import Database
from wattledger.store.ledger.bulk import LEDGER, Bulk
from wattledger.store.ledger.fold import with_points
from wattledger.store.rows import UsagePointRow
from wattledger.store.tables import energy_day, energy_superseded, payload_point, usage_point
from wattledger.store.tables import payload as table
from wattledger.store.usage_points import row_of

TRIES = 5
Seen = tuple[frozenset[tuple[int, int]], tuple[tuple[int, str, str], ...]]


@dataclass(slots=True)
class Found:
    """What the archive says of some usage points."""

    energy: Joined
    seen: Seen
    """the links and usage points for which this holds"""
    payloads: int = 0
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    """payloads that today's parser cannot read, and why"""
    beyond: list[int] = field(default_factory=list)
    """payloads that speak of usage points they did not speak of when they were read: read these wholly"""


class Recompute:
    """See the module."""

    def __init__(self, database: Database, bodies: Bodies, bulk: Bulk, parse: Parse) -> None:
        self._database = database
        self._bodies = bodies
        self._bulk = bulk
        self._parse = parse

    async def energy(self, numbers: Sequence[int]) -> Found:
        """What the archive says of these usage points (by `n`) now.

        Raises Corrupt or NotFound for a body that is not what was received.
        """
        async with self._database.connect() as connection:
            rows, links = await _rows(connection, numbers), await _links(connection, numbers)
        found = Found(joined([]), (links, _said(rows)))
        parts = []
        for id in sorted({payload for _, payload in links}):
            found.payloads += 1
            part = await self._part(id, rows, links, found)
            if part is not None:
                parts.append(part)
        found.energy = joined(parts)
        return found

    async def swap(self, numbers: Sequence[int]) -> Found:
        """Put what the archive says in the ledger's place. Raises as `energy`, and TryLater."""
        for _ in range(TRIES):
            found = await self.energy(numbers)
            fault("fleet.before_swap")
            async with self._database.begin() as connection:
                if not await self._holds(connection, numbers, found.seen):
                    continue
                await self._write(connection, numbers, found.energy)
                fault("fleet.before_commit")
            return found
        raise TryLater("So much is being delivered of these usage points that no swap came through.")

    async def _holds(self, connection: AsyncConnection, numbers: Sequence[int], seen: Seen) -> bool:
        rows = await _rows(connection, numbers, lock=True)
        if sabotaged("fleet_recheck"):
            return True
        return seen == (await _links(connection, numbers), _said(rows))

    async def _write(self, connection: AsyncConnection, numbers: Sequence[int], energy: Joined) -> None:
        for ledger in (energy_day, energy_superseded):
            await connection.execute(delete(ledger).where(ledger.c.usage_point.in_(numbers)))
        await self._bulk.insert(connection, LEDGER, energy.groups())
        if energy.lost:
            await self._bulk.supersede(connection, LEDGER, *energy.lost)

    async def _part(
        self, id: int, rows: dict[str, UsagePointRow], links: frozenset[tuple[int, int]], found: Found
    ) -> Part | None:
        async with self._database.connect() as connection:
            row = (await connection.execute(select(table).where(table.c.id == id))).one()
        payload = payload_of(row, await self._bodies.read(row.sha256))
        try:
            parsed = self._parse(payload)
        except BadPayload as error:
            found.unreadable.append((id, str(error)))
            return None
        job = Job(id, row.site, "", payload)
        if await self._beyond(job, parsed, rows, links):
            found.beyond.append(id)
        return _mine(job, parsed, rows)

    async def _beyond(
        self, job: Job, parsed: Parsed, rows: dict[str, UsagePointRow], links: frozenset[tuple[int, int]]
    ) -> bool:
        refused = points_of.refused(rows, owner_of(job))
        own = {p.external_id for p in parsed.points} & rows.keys() - refused
        if any((rows[name].n, job.id) not in links for name in own):
            return True
        others = [p for p in parsed.points if p.external_id not in rows]
        if not others:
            return False
        async with self._database.connect() as connection:
            known = await points_of.known(connection, others)
            refused = points_of.refused(known, owner_of(job))
            numbers = {row.n for name, row in known.items() if name not in refused}
            query = select(payload_point.c.usage_point).where(payload_point.c.payload == job.id)
            linked = set(await connection.scalars(query.where(payload_point.c.usage_point.in_(numbers))))
        return len(known) < len({p.external_id for p in others}) or linked != numbers


def _mine(job: Job, parsed: Parsed, rows: dict[str, UsagePointRow]) -> Part:
    """The blocks of these usage points alone, prepared as a delivery's are."""
    names = [p.external_id for p in parsed.points]
    numbers = np.array([rows[name].n if name in rows else 0 for name in names], np.int32)
    if not numbers.all():
        parsed.days = parsed.days.take(numbers[parsed.days.point] > 0)
    refused = points_of.refused(rows, owner_of(job))
    zones = points_of.zones(rows)
    done = prepare(parsed, job.id, known_at(job.payload), zones=zones, refused=refused)
    lost = [(with_points(keys, numbers), losers) for keys, losers in done.losers]
    return Part(with_points(done.keys, numbers), done.blocks, lost)


async def _rows(
    connection: AsyncConnection, numbers: Sequence[int], *, lock: bool = False
) -> dict[str, UsagePointRow]:
    """These usage points by external id; locked in the order of their number."""
    query = select(usage_point).where(usage_point.c.n.in_(numbers)).order_by(usage_point.c.n)
    found = await connection.execute(query.with_for_update() if lock else query)
    return {row.external_id: row_of(row) for row in found}


async def _links(connection: AsyncConnection, numbers: Sequence[int]) -> frozenset[tuple[int, int]]:
    """Which payloads that count speak of which of these usage points."""
    query = select(payload_point.c.usage_point, payload_point.c.payload).where(
        payload_point.c.usage_point.in_(numbers), table.c.state == "read"
    )
    rows = await connection.execute(query.join(table, table.c.id == payload_point.c.payload))
    return frozenset((row.usage_point, row.payload) for row in rows)


def _said(rows: dict[str, UsagePointRow]) -> tuple[tuple[int, str, str], ...]:
    return tuple((row.n, row.timezone, row.site) for row in rows.values())
