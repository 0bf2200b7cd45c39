"""The archive: payloads as rows that are their own jobs, `stored -> read | rejected`, held by a lease.

add      archive a payload with a lease held by us, or find the one that is there
claim    take over payloads whose reader died, in batches; attempts are counted before work
finish   write the outcome, fenced by the lease
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, false, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import TryLater, WattledgerError
from wattledger.faults import fault, sabotaged
from wattledger.model import Payload, Source, Wrapping
from wattledger.store.archive.bodies import Bodies, Packed
from wattledger.store.database import Database
from wattledger.store.ids import new_id
from wattledger.store.lease import unheld
from wattledger.store.rows import Summary
from wattledger.store.tables import payload as table

LEASE = timedelta(seconds=15)
"""renewed at a third; so long a file waits whose reader was killed"""
MOST_ATTEMPTS = 5
FILES = (Source.RELAY, Source.UPLOAD)
"""sources of files: one payload per (site, sha256); every poll is a payload of its own"""

# built once: building a statement takes longer than running it
_ADD = {
    is_postgres: engine.insert(table).on_conflict_do_nothing().returning(table.c.id)
    for is_postgres, engine in ((False, sqlite), (True, postgresql))
}
_PUT = {
    is_postgres: engine.insert(table).on_conflict_do_nothing()
    for is_postgres, engine in ((False, sqlite), (True, postgresql))
}
_FINISH = update(table).where(
    table.c.id == bindparam("held"), table.c.state == "stored", table.c.lease == bindparam("under")
)


class LeaseLost(TryLater):
    """Another process took this payload over; its outcome counts, ours is rolled back."""


@dataclass(frozen=True, slots=True)
class Job:
    """A payload to be read, with the lease under which its outcome may be written."""

    id: int
    site: str
    lease: str
    payload: Payload
    attempts: int = 1
    sha256: str = ""
    """of one that was claimed: its body is still in the archive"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What reading came to."""

    state: str
    kind: str
    summary: Summary
    reason: str | None = None


class Archive:
    """See the module."""

    def __init__(self, database: Database, bodies: Bodies) -> None:
        self._database = database
        self._bodies = bodies
        self._let_go: dict[int, str] = {}
        """payloads whose lease of ours could not be written off: nobody reads them, whatever the row says"""

    async def find(self, site: str, payload: Payload) -> int | None:
        """The payload of this site that holds the same file."""
        identity = identity_of(payload)
        if identity is None:
            return None
        query = select(table.c.id).where(table.c.site == site, table.c.identity == identity)
        async with self._database.connect() as connection:
            found: int | None = await connection.scalar(query)
            return found

    async def add(self, site: str, payload: Payload, packed: Packed) -> Job | None:
        """Archive with a lease held by us; None where the same file came at the same moment."""
        lease = new_id()

        async def work(connection: AsyncConnection) -> int | None:
            await self._bodies.keep(connection, packed)
            values = self._values(site, payload, lease)
            number: int | None = await connection.scalar(_ADD[self._database.is_postgres], values)
            fault("hub.before_archive_commit")
            return number

        try:
            number = await self._database.transact(work)
        except WattledgerError:
            await self._free(lease)
            raise
        fault("hub.after_archive_commit")
        return None if number is None else Job(number, site, lease, payload)

    async def _free(self, lease: str) -> None:
        """Let go of a payload that may have been committed though the answer was lost on its way."""
        free = update(table).where(table.c.lease == lease).values(lease=None, leased_until=None)
        with suppress(WattledgerError):  # then the lease runs out by itself
            async with self._database.begin() as connection:
                await connection.execute(free)

    async def put_all(
        self, connection: AsyncConnection, arrivals: Sequence[tuple[str, Payload, str | None]]
    ) -> list[int | None]:
        """Archive for whoever reads next (site, payload, identity), in the caller's transaction.

        Returns their ids; None for an event that is here already.
        """
        mark = new_id()
        unread = {"attempts": 0, "lease": mark, "leased_until": None}
        rows = [{**self._values(s, p, mark), **unread, "identity": identity} for s, p, identity in arrivals]
        before = await connection.scalar(select(func.max(table.c.id))) or 0
        await connection.execute(_PUT[self._database.is_postgres], rows)
        mine = select(table.c.id, table.c.site, table.c.identity)
        made = (await connection.execute(_marked(mine, before, mark).order_by(table.c.id))).all()
        named = {(row.site, row.identity): row.id for row in made if row.identity is not None}
        others = iter([row.id for row in made if row.identity is None])
        return [named.get((s, i)) if i is not None else next(others) for s, _, i in arrivals]

    def _values(self, site: str, payload: Payload, lease: str) -> dict[str, Any]:
        return {
            "site": site,
            "connector": payload.connector,
            "source": payload.source.value,
            "filename": payload.filename,
            "mime": payload.mime,
            "sha256": payload.sha256,
            "identity": identity_of(payload),
            "size": len(payload.body),
            "received_at": payload.received_at,
            "headers": dict(payload.headers),
            "wrapped_in": [{"kind": w.kind, "name": w.name, "sha256": w.sha256} for w in payload.wrapped_in],
            "state": "stored",
            "attempts": 1,
            "lease": lease,
            "leased_until": self._database.clock.now() + LEASE,
        }

    async def claim(self, limit: int, only: int | None = None) -> list[Job]:
        """Take over up to `limit` payloads that nobody reads; those of them with attempts left."""
        now, lease, left = self._database.clock.now(), new_id(), dict(self._let_go)
        ours = and_(table.c.id.in_(left), table.c.lease.in_(left.values())) if left else false()
        free = and_(table.c.state == "stored", or_(unheld(table.c.leased_until, now, LEASE), ours))
        if only is not None:
            free = and_(free, table.c.id == only)
        chosen = select(table.c.id).where(free).order_by(table.c.id).limit(limit)
        attempts = table.c.attempts + case((ours, 0), else_=1)
        statement = (
            update(table)
            .where(table.c.id.in_(chosen.with_for_update(skip_locked=True)))
            .values(lease=lease, leased_until=now + LEASE, attempts=attempts)
            .returning(*table.c)
        )
        async with self._database.begin() as connection:
            rows = sorted(await connection.execute(statement), key=lambda row: row.id)
        for id in left if only is None and len(rows) < limit else [row.id for row in rows]:
            self._let_go.pop(id, None)
        return [Job(r.id, r.site, lease, payload_of(r, b""), r.attempts, r.sha256) for r in rows]

    async def finish(self, connection: AsyncConnection, job: Job, outcome: Outcome) -> None:
        """Write the outcome. Raises LeaseLost where somebody else holds the payload by now."""
        statement, mine = _FINISH, {"held": job.id, "under": job.lease}
        if sabotaged("lease_fence"):
            statement, mine = update(table).where(table.c.id == bindparam("held")), {"held": job.id}
        if (await connection.execute(statement, {**mine, **_settled(outcome)})).rowcount != 1:
            raise LeaseLost(f"Payload {job.id} is being read by another process.")

    async def finish_all(self, connection: AsyncConnection, outcomes: Sequence[tuple[Job, Outcome]]) -> None:
        """Write the outcomes of a batch. Raises LeaseLost where somebody else holds one of them by now."""
        rows = [{"held": job.id, "under": job.lease, **_settled(outcome)} for job, outcome in outcomes]
        if (await connection.execute(_FINISH, rows)).rowcount != len(rows):
            raise LeaseLost("A payload of this batch is being read by another process.")

    async def release(self, job: Job, untried: bool = False) -> None:
        """Let others read this payload at once; `untried` where the file was not what failed.

        Where the database takes not even that, this process at least knows that nobody reads it.
        """
        if not sabotaged("let_go"):
            self._let_go[job.id] = job.lease
        fault("hub.before_release")
        mine = and_(table.c.id == job.id, table.c.lease == job.lease)
        values: dict[str, Any] = {"lease": None, "leased_until": None}
        if untried and not sabotaged("attempt_back"):
            values["attempts"] = table.c.attempts - 1
        async with self._database.begin() as connection:
            await connection.execute(update(table).where(mine).values(values))
        self._let_go.pop(job.id, None)

    async def told(self, id: int, payload: Payload) -> bool:
        """Keep the ESIID that came beside a file which could not be read without. Whether it is news."""
        esiid = payload.headers.get("esiid")
        mine = and_(table.c.id == id, table.c.state == "rejected")
        async with self._database.begin() as connection:
            query = select(table.c.headers).where(mine).with_for_update()
            headers = (await connection.execute(query)).scalar_one_or_none()
            if headers is None or not esiid or headers.get("esiid") == esiid:
                return False
            named = {**headers, "esiid": esiid}
            await connection.execute(update(table).where(mine).values(headers=named))
        return True

    @asynccontextmanager
    async def renewing(self, lease: str) -> AsyncIterator[None]:
        """Keep a lease alive for the length of a `with` block."""
        task = asyncio.create_task(self._renew(lease))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _renew(self, lease: str) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            until = self._database.clock.now() + LEASE
            async with self._database.begin() as connection:
                await connection.execute(
                    update(table).where(table.c.lease == lease).values(leased_until=until)
                )


def _marked(query: Select[Any], before: int, mark: str) -> Select[Any]:
    return query.where(table.c.id > before, table.c.lease == mark)


def _settled(outcome: Outcome) -> dict[str, Any]:
    return {
        "state": outcome.state,
        "kind": outcome.kind,
        "reason": outcome.reason,
        "summary": outcome.summary.to_json(),
        "lease": None,
        "leased_until": None,
    }


def identity_of(payload: Payload) -> str | None:
    """What makes a file the same file; None for a poll, which is always new."""
    if payload.source not in FILES or sabotaged("payload_identity"):
        return None
    return payload.sha256


def payload_of(row: Any, body: bytes) -> Payload:
    """The payload as it was delivered."""
    return Payload(
        connector=row.connector,
        source=Source(row.source),
        body=body,
        received_at=row.received_at,
        filename=row.filename,
        mime=row.mime,
        headers=row.headers,
        wrapped_in=tuple(Wrapping(**w) for w in row.wrapped_in),
    )
