"""Reading one archived payload into the ledger: parse and prepare in a thread, then one short transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import BadPayload
from wattledger.faults import fault
from wattledger.model import Parsed, Payload, PointKind
from wattledger.secrets import Vault
from wattledger.store.archive import points_of
from wattledger.store.archive.erased import erased_of, without
from wattledger.store.archive.jobs import Archive, Job, Outcome
from wattledger.store.archive.points_of import Owner, Resolved
from wattledger.store.archive.prepare import Prepared, known_at, prepare
from wattledger.store.database import Database
from wattledger.store.ledger.bulk import LEDGER, Aim, Bulk
from wattledger.store.ledger.fold import fold, with_points
from wattledger.store.observed.accounts import Accounts
from wattledger.store.observed.many import many
from wattledger.store.observed.observations import News
from wattledger.store.rows import Summary, UsagePointRow
from wattledger.threads import done

Parse = Callable[[Payload], Parsed]
Seen = tuple[dict[str, str], frozenset[str]]
_LEDGER = Aim()
BRIEF = 32
"""blocks that are prepared within a fraction of a millisecond"""
LARGE = 1 << 20
"""bytes from which a file is prepared before the transaction, and parsed while it is archived"""


@dataclass(slots=True)
class Read:
    """A payload as today's parser reads it: `parsed` is None where it cannot be read, `reason` says why."""

    parsed: Parsed | None
    reason: str | None = None
    prepared: Prepared | None = None
    seen: Seen = ({}, frozenset())
    """the zones and the forbidden external ids for which `prepared` holds"""
    numbers: set[int] = field(default_factory=set)
    """the usage points (by `n`) that the payload was written into"""


class Reader:
    """Turns payloads into readings. Bad bytes are an outcome, never an exception."""

    def __init__(
        self, database: Database, archive: Archive, bulk: Bulk, parse: Parse, accounts: Accounts, vault: Vault
    ) -> None:
        self._database = database
        self._archive = archive
        self._bulk = bulk
        self._parse = parse
        self.vault = vault
        self.accounts = accounts

    async def parsed(self, payload: Payload) -> Read:
        """Parse in a thread. Bad bytes and a failing parser are a `Read` with a reason."""
        return await asyncio.to_thread(self.parse, payload)

    async def read(self, job: Job, parsing: Awaitable[Read] | None = None) -> Outcome:
        """Read a payload under its lease, write the outcome and return it. Raises LeaseLost, TryLater.

        `parsing` is the parse where it was begun already.
        """
        async with self._archive.renewing(job.lease):
            read = await self.open(job, parsing)
            outcome = await self._database.transact(lambda connection: self._commit(connection, job, read))
        fault("hub.after_ledger_commit")
        return outcome

    async def _commit(self, connection: AsyncConnection, job: Job, read: Read) -> Outcome:
        outcome = await self.write(connection, job, read)
        await self._archive.finish(connection, job, outcome)
        fault("hub.before_ledger_commit")
        return outcome

    async def open(self, job: Job, parsing: Awaitable[Read] | None = None, aim: Aim = _LEDGER) -> Read:
        """Parse; a large file is prepared too, with what is known of the usage points now."""
        read = await (parsing or self.parsed(job.payload))
        if read.parsed is not None and len(job.payload.body) >= LARGE:
            async with self._database.connect() as connection:
                rows = await points_of.known(connection, read.parsed.points)
            await asyncio.to_thread(_prepare, read, job, _seen(rows, job, aim))
        return read

    async def write(self, connection: AsyncConnection, job: Job, read: Read, aim: Aim = _LEDGER) -> Outcome:
        """Merge what was read, within the caller's transaction."""
        if read.parsed is None:
            return Outcome("rejected", "opaque", Summary(), read.reason)
        stored = await points_of.known(connection, read.parsed.points, lock=True)
        await self._leave_erased(connection, job, read, stored, aim)
        owner, points = owner_of(job), read.parsed.points
        seen = _seen(stored, job, aim)
        if seen != read.seen or read.prepared is None:
            await done(len(read.parsed.days) < BRIEF, _prepare, read, job, seen)
        assert read.prepared is not None
        resolved = await points_of.make(connection, points, stored, owner)
        await self._fold(connection, read.prepared, resolved, aim)
        forbidden = seen[1]
        read.numbers = {r.n for r in resolved.rows if r.external_id not in forbidden}
        if read.numbers:
            await many(connection).link(connection, [(n, job.id) for n in sorted(read.numbers)])
        await self._observe(connection, job.id, read, resolved, aim)
        read.prepared.summary.points = points_of.names(resolved, forbidden)
        return Outcome("read", read.parsed.kind, read.prepared.summary)

    async def _leave_erased(
        self, connection: AsyncConnection, job: Job, read: Read, stored: dict[str, UsagePointRow], aim: Aim
    ) -> None:
        """Take usage points out of what was read whose owner had them erased since this payload came."""
        assert read.parsed is not None
        points = read.parsed.points
        doubtful = points if aim.target is not LEDGER else [p for p in points if p.external_id not in stored]
        if doubtful and (gone := await erased_of(connection, doubtful, job.id)):
            read.parsed, read.prepared = without(read.parsed, gone), None
            for name in gone & stored.keys():
                del stored[name]

    async def _fold(
        self, connection: AsyncConnection, prepared: Prepared, resolved: Resolved, aim: Aim
    ) -> None:
        old = ~resolved.new[prepared.keys.point] if len(prepared.keys) else np.zeros(0, bool)
        keys, blocks = with_points(prepared.keys, resolved.numbers), prepared.blocks
        if aim.only is not None:
            mine = np.isin(keys.point, list(aim.only))
            keys, blocks, old = keys.take(mine), blocks.take(mine), old[mine]
        if aim.target != LEDGER:
            old = np.ones(len(keys), bool)
        folded = await fold(connection, self._bulk, aim.target, keys, blocks, old)
        for lost_keys, losers in prepared.losers:
            numbered = with_points(lost_keys, resolved.numbers)
            await self._bulk.supersede(connection, aim.target, numbered, losers)
        prepared.summary.accepted = folded.accepted
        prepared.summary.superseded = prepared.readings - folded.accepted
        prepared.summary.conflicts = folded.conflicts

    async def _observe(
        self, connection: AsyncConnection, id: int, read: Read, resolved: Resolved, aim: Aim
    ) -> None:
        """Store what is new; a replay only stages it, and has accounts recomputed after the swap."""
        assert read.parsed is not None
        if not read.parsed.observations:
            return
        zones = {row.n: aim.zones.get(row.external_id, row.timezone) for row in resolved.rows}
        fresh = News(aim.target.observation, id, resolved, read.seen[1], zones, self.vault, aim.only)
        rows = await fresh.rows(connection, read.parsed.observations)
        if aim.target is LEDGER:
            vehicles = {row.n for row in resolved.rows if row.kind == PointKind.VEHICLE}
            await self.accounts.take(connection, rows, zones, vehicles)
        elif rows:
            await many(connection).insert(connection, aim.target.observation, rows)

    def parse(self, payload: Payload) -> Read:
        """Parse here and now. Bad bytes and a failing parser are a `Read` with a reason."""
        try:
            return Read(self._parse(payload))
        except BadPayload as error:
            return Read(None, str(error))
        except MemoryError:
            return Read(None, "This file needs more memory than this machine has.")
        except Exception as error:
            kind = type(error).__name__
            return Read(None, f"The reader failed on this file ({kind}); it is kept and can be read again.")


def owner_of(job: Job) -> Owner:
    """Whose payload it is."""
    payload = job.payload
    return Owner(job.site, payload.connector, payload.source, payload.received_at)


def _seen(rows: dict[str, UsagePointRow], job: Job, aim: Aim) -> Seen:
    return {**points_of.zones(rows), **aim.zones}, points_of.refused(rows, owner_of(job))


def _prepare(read: Read, job: Job, seen: Seen) -> None:
    assert read.parsed is not None
    read.prepared = prepare(read.parsed, job.id, known_at(job.payload), zones=seen[0], refused=seen[1])
    read.seen = seen
