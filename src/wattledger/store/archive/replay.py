"""Recomputing the ledger from the archive: staged beside it, swapped in one transaction.

The archive is the ledger, readings are derived. Deliveries go on meanwhile: what they read is staged too
before the swap, under the locks that every writer of these usage points needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Text, and_, cast, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.faults import fault
from wattledger.model import Source
from wattledger.secrets import SecretUnreadable
from wattledger.store.archive.bodies import Bodies
from wattledger.store.archive.jobs import MOST_ATTEMPTS, Job, Outcome, payload_of
from wattledger.store.archive.prepare import not_held
from wattledger.store.archive.reader import Read, Reader
from wattledger.store.archive.staging import carry, chunks, open_staging, swap
from wattledger.store.database import Database
from wattledger.store.ledger.bulk import REPLAY, Aim
from wattledger.store.people.audit import Audit
from wattledger.store.rows import UsagePointRow
from wattledger.store.tables import observation, payload_point, point_state, usage_point
from wattledger.store.tables import payload as table

Progress = Callable[[int, int], None]
Last = Callable[[AsyncConnection], Awaitable[None]]
Own = Callable[[AsyncConnection], Awaitable[set[int]]]


@dataclass(slots=True)
class Scope:
    """What is recomputed: these usage points (by `n`), and these payloads read anew as a whole."""

    points: set[int]
    own: Own
    without: frozenset[int] = frozenset()
    zones: Mapping[str, str] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def aim(self, id: int) -> Aim:
        """How a payload is staged: wholly when it is one of the scope's own."""
        only = None if id in self.whole else frozenset(self.points)
        return Aim(REPLAY, only, self.zones)


class Replay:
    """See the module. One replay at a time, across processes."""

    def __init__(self, database: Database, bodies: Bodies, reader: Reader, audit: Audit) -> None:
        self._database = database
        self._bodies = bodies
        self._reader = reader
        self._audit = audit

    async def rezone(self, point: UsagePointRow, timezone: str) -> None:
        """Cut a usage point's days by another zone; the zone changes in the same transaction."""

        async def last(connection: AsyncConnection) -> None:
            moved = update(usage_point).where(usage_point.c.n == point.n)
            await connection.execute(moved.values(timezone=timezone))

        await self._run(Scope({point.n}, _none, zones={point.external_id: timezone}), last)

    async def reassigned(self, point: UsagePointRow) -> None:
        """Read anew the uploads that may, or no longer may, write into a usage point whose site changed."""

        async def own(connection: AsyncConnection) -> set[int]:
            return await _uploads_of(connection, point)

        async with self._database.connect() as connection:
            concerned = await own(connection)
        if concerned:
            await self._run(Scope({point.n}, own))

    async def site(self, site: str | None, progress: Progress | None = None) -> tuple[int, int]:
        """Read all payloads (of one site) anew. Returns how many were read and how many points swapped."""
        async with self._database.connect() as connection:
            scope = Scope(await _points_of_site(connection, site), lambda c: _payloads_of(c, site))
        await self._run(scope, progress=progress)
        return len(scope.outcomes), len(scope.points)

    async def points(self, numbers: set[int]) -> None:
        """Read everything anew that speaks of these usage points (by `n`)."""
        await self._run(Scope(set(numbers), _none))

    async def reread(self, id: int) -> None:
        """Read one payload anew, and everything that speaks of the same usage points."""

        async def own(_connection: AsyncConnection) -> set[int]:
            return {id}

        async with self._database.connect() as connection:
            scope = Scope(await _points_of(connection, id), own)
        await self._run(scope)

    async def withdraw(self, id: int, by: str) -> None:
        """Recompute the ledger without one payload; its state changes in the same transaction."""

        async def last(connection: AsyncConnection) -> None:
            values = {"state": "withdrawn", "lease": None, "leased_until": None}
            out = update(table).where(table.c.id == id).values(**values).returning(table.c.site)
            site = await connection.scalar(out)
            await self._audit.record(connection, by, "payload.withdrawn", f"payload:{id}", {}, site)

        async with self._database.connect() as connection:
            scope = Scope(await _points_of(connection, id), _none, frozenset({id}))
        await self._run(scope, last)

    async def _run(self, scope: Scope, last: Last | None = None, progress: Progress | None = None) -> None:
        async with self._database.exclusive("replay"), open_staging(self._database) as connection:
            while todo := await self._todo(connection, scope):
                for count, id in enumerate(todo, 1):
                    job, read = await self._open(scope, id)
                    async with self._database.writing(connection):
                        await self._stage(connection, scope, job, read)
                    if progress:
                        progress(count, len(todo))
            async with self._database.writing(connection):
                await self._lock(connection, scope)
                while todo := await self._todo(connection, scope):
                    for id in todo:
                        await self._stage(connection, scope, *await self._open(scope, id))
                await swap(connection, scope.points)
                await self._settle(connection, scope)
                if last:
                    await last(connection)
                await self._reader.accounts.rebuild(connection, await _observed(connection, scope.points))
                fault("hub.before_replay_commit")

    async def _todo(self, connection: AsyncConnection, scope: Scope) -> list[int]:
        """Payloads to stage next: its own first (they may bring more usage points), then all others."""
        scope.whole = (await scope.own(connection)) - scope.without
        own = scope.whole - scope.done
        if own:
            return sorted(own)
        return sorted(await _linked(connection, scope.points) - scope.done - scope.without)

    async def _open(self, scope: Scope, id: int) -> tuple[Job, Read | None]:
        """Read a body and parse it, outside of any transaction; None for one that no key here opens."""
        async with self._database.connect() as connection:
            row = (await connection.execute(select(table).where(table.c.id == id))).one()
        job = Job(id, row.site, "", payload_of(row, b""))
        try:
            body, private = await self._bodies.fetch(row.sha256)
        except SecretUnreadable:
            return job, None
        job = replace(job, payload=replace(job.payload, body=body, private=private))
        return job, await self._reader.open(job, aim=scope.aim(id))

    async def _stage(self, connection: AsyncConnection, scope: Scope, job: Job, read: Read | None) -> None:
        if read is None:
            scope.done.add(job.id)
            if job.id in scope.whole:
                scope.points |= await _points_of(connection, job.id)
            await carry(connection, job.id, scope.points, scope.zones)
            return
        outcome = await self._reader.write(connection, job, read, scope.aim(job.id))
        scope.done.add(job.id)
        if job.id in scope.whole:
            scope.outcomes[job.id] = outcome
            scope.points |= read.numbers

    async def _lock(self, connection: AsyncConnection, scope: Scope) -> None:
        query = select(usage_point.c.n).order_by(usage_point.c.n).with_for_update()
        for chosen in chunks(scope.points):
            await connection.execute(query.where(usage_point.c.n.in_(chosen)))

    async def _settle(self, connection: AsyncConnection, scope: Scope) -> None:
        for id, outcome in scope.outcomes.items():
            values = {"state": outcome.state, "kind": outcome.kind, "reason": outcome.reason}
            settled = and_(table.c.id == id, table.c.state.in_(("read", "rejected")))
            summary = outcome.summary.to_json()
            await connection.execute(update(table).where(settled).values(**values, summary=summary))


async def _none(_connection: AsyncConnection) -> set[int]:
    return set()


async def _points_of_site(connection: AsyncConnection, site: str | None) -> set[int]:
    own, linked = select(usage_point.c.n), select(payload_point.c.usage_point).distinct()
    if site is not None:
        own = own.where(usage_point.c.site == site)
        linked = linked.join(table, table.c.id == payload_point.c.payload).where(table.c.site == site)
    return {*await connection.scalars(own), *await connection.scalars(linked)}


async def _payloads_of(connection: AsyncConnection, site: str | None) -> set[int]:
    readable = and_(table.c.state == "rejected", table.c.attempts < MOST_ATTEMPTS)
    query = select(table.c.id).where(or_(table.c.state == "read", readable))
    if site is not None:
        query = query.where(table.c.site == site)
    return set(await connection.scalars(query))


async def _observed(connection: AsyncConnection, points: set[int]) -> set[int]:
    """Those of these usage points of which observations are stored or remembered."""
    stored = await connection.scalars(select(point_state.c.usage_point))
    seen = await connection.scalars(select(observation.c.usage_point).distinct())
    return points & {*stored, *seen}


async def _points_of(connection: AsyncConnection, id: int) -> set[int]:
    query = select(payload_point.c.usage_point).where(payload_point.c.payload == id)
    return set(await connection.scalars(query))


async def _uploads_of(connection: AsyncConnection, point: UsagePointRow) -> set[int]:
    """What other sites uploaded or fetched of a usage point, and what its own site did and was refused."""
    bound = table.c.source != Source.RELAY.value
    uploads = select(table.c.id).where(bound, table.c.state == "read")
    linked = uploads.join(payload_point, payload_point.c.payload == table.c.id).where(
        payload_point.c.usage_point == point.n, table.c.site != point.site
    )
    refused = uploads.add_columns(table.c.summary).where(
        table.c.site == point.site, cast(table.c.summary, Text).contains(not_held(""), autoescape=True)
    )
    named = not_held(point.external_id)
    found = {
        row.id
        for row in await connection.execute(refused)
        if any(r["reason"] == named for r in row.summary["rejections"])
    }
    return found | set(await connection.scalars(linked))


async def _linked(connection: AsyncConnection, points: set[int]) -> set[int]:
    query = select(payload_point.c.payload).distinct().where(table.c.state == "read")
    query = query.join(table, table.c.id == payload_point.c.payload)
    found: set[int] = set()
    for chosen in chunks(points):
        found |= set(await connection.scalars(query.where(payload_point.c.usage_point.in_(chosen))))
    return found
