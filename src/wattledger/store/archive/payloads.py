"""Payloads: what vendors said, archived first and read second; the front of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from wattledger.errors import Refused, TryLater, WattledgerError
from wattledger.faults import sabotaged
from wattledger.model import Payload
from wattledger.secrets import SecretUnreadable
from wattledger.store.archive.batch import Batches
from wattledger.store.archive.bodies import Bodies
from wattledger.store.archive.catalogue import Catalogue
from wattledger.store.archive.intake import Intake, Received
from wattledger.store.archive.jobs import MOST_ATTEMPTS, Archive, Job, LeaseLost, Outcome
from wattledger.store.archive.reader import LARGE, Read, Reader
from wattledger.store.archive.replay import Replay
from wattledger.store.database import Database
from wattledger.store.rows import Delivered, Summary
from wattledger.threads import SHORT, done

_log = structlog.get_logger(__name__)

_PAUSES = (0.05, 0.1, 0.2, 0.4, *[0.5] * 80)
"""seconds between two looks at a file that another reads: its lease is over before"""


@dataclass(frozen=True, slots=True)
class Claims:
    """What the sender says a payload is about. The rows win; a contradiction becomes a note."""

    external_id: str | None = None


class Payloads(Catalogue):
    """The archive and its readers."""

    def __init__(
        self, database: Database, bodies: Bodies, archive: Archive, reader: Reader, replay: Replay
    ) -> None:
        super().__init__(database, bodies)
        self._archive = archive
        self._reader = reader
        self._replay = replay
        self._batches = Batches(database, archive, reader)
        self._intake = Intake(database, bodies, archive)
        self._unwaited: set[asyncio.Task[Delivered]] = set()

    async def deliver(self, site: str, payload: Payload, *, claims: Claims | None = None) -> Delivered:
        """Archive and read a payload; the receipt is given after both were committed.

        The same file again changes nothing and says so. Bad bytes are kept and `rejected` with a reason.
        Raises TryLater when the database does not answer: then nothing, or only the archive, was written.
        """
        if sabotaged("archive_first"):
            self._unwaited.add(asyncio.create_task(self._deliver(site, payload, claims)))
            return Delivered(0, payload.sha256, len(payload.body), False, "read", "interval", Summary())
        return await self._deliver(site, payload, claims)

    async def receive(self, site: str, payload: Payload, event: str | None = None) -> Received:
        """Archive what a vendor pushed, committed together with what comes at the same moment; read later.

        `event` is the vendor's id of what it tells: the same event again writes nothing. Raises TryLater
        when the database does not answer.
        """
        return await self._intake.receive(site, payload, event)

    @property
    def waiting(self) -> asyncio.Event:
        """Set when `receive` has left payloads to be read; whoever reads them clears it."""
        return self._intake.waiting

    async def drained(self) -> None:
        """Wait until nothing received is uncommitted."""
        await self._intake.drained()

    async def _deliver(self, site: str, payload: Payload, claims: Claims | None) -> Delivered:
        parsing = self._eager(payload)
        await done(len(payload.body) < SHORT, lambda: payload.sha256)
        known = await self._archive.find(site, payload) if parsing else None
        if known is None:
            packed = await self._bodies.place(payload)
            job = await self._archive.add(site, payload, packed)
            await self._bodies.assure(payload, packed)
            if job is not None:
                outcome = await self._read(job, parsing)
                found = outcome and _receipt(job, outcome, claims)
                return found or await self._settled(job.id, payload, claims)
            known = await self._archive.find(site, payload)
        assert known is not None
        return await self._again(known, payload, claims)

    def _eager(self, payload: Payload) -> asyncio.Task[Read] | None:
        """A large file is parsed while it is archived; nothing of it is written before that is done."""
        if len(payload.body) < LARGE:
            return None
        return asyncio.create_task(self._reader.parsed(payload))

    async def _again(self, id: int, payload: Payload, claims: Claims | None) -> Delivered:
        """The receipt of a file that is here already; read now if its first reader died.

        Or if it could not be read and its sender now says whose it is.
        """
        receipt = replace(await self._settled(id, payload, claims), duplicate=True)
        if receipt.state == "rejected" and await self._archive.told(id, payload):
            await self._replay.reread(id)
            return await self._state(id, claims)
        return receipt

    async def _settled(self, id: int, payload: Payload, claims: Claims | None) -> Delivered:
        """Wait while another reads it; take it over where nobody does."""
        for pause in _PAUSES:
            for job in await self._archive.claim(1, only=id):
                await self._read(
                    replace(job, payload=replace(job.payload, body=payload.body, private=payload.private))
                )
            receipt = await self._state(id, claims)
            if receipt.state != "stored":
                break
            await asyncio.sleep(pause)
        return receipt

    async def _read(self, job: Job, parsing: asyncio.Task[Read] | None = None) -> Outcome | None:
        """Read under the lease; None where another process took the payload over."""
        try:
            return await self._reader.read(job, parsing)
        except LeaseLost:
            return None
        except WattledgerError as error:
            await self._archive.release(job, untried=isinstance(error, TryLater))
            raise

    async def _state(self, id: int, claims: Claims | None = None) -> Delivered:
        """The receipt of a payload as it is stored."""
        row = await self.get(id)
        summary = Summary.from_json(row.summary)
        _compare(summary, row.state, claims)
        return Delivered(row.id, row.sha256, row.size, False, row.state, row.kind, summary, row.reason)

    async def read_orphans(self, limit: int = 100) -> int:
        """Read payloads that wait or whose reader died, in one batch. Returns how many were settled."""
        jobs = await self._archive.claim(limit)
        singly = await self._read_together(jobs) if len(jobs) > 1 else jobs
        settled = len(jobs) - len(singly)
        for job in singly:
            try:
                settled += await self._rescue(job)
            except Exception as error:
                _log.warning("orphan_not_read", payload=job.id, error=str(error), kind=type(error).__name__)
                await self._archive.release(job, untried=isinstance(error, TryLater))
        return settled

    async def _read_together(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Read the small ones in one transaction. Returns the others; all where that failed."""
        fit = [job for job in jobs if job.attempts <= 1]
        try:
            bodies = await self._bodies.fetch_small({job.sha256 for job in fit})
            whole = [_with_body(job, *bodies[job.sha256]) for job in fit if job.sha256 in bodies]
            rest = {job.id for job in await self._batches.read(whole)}
        except Exception as error:
            _log.info("batch_not_read", error=str(error), kind=type(error).__name__)
            return jobs
        done = {job.id for job in whole} - rest
        return [job for job in jobs if job.id not in done]

    async def _rescue(self, job: Job) -> bool:
        if job.attempts >= MOST_ATTEMPTS:
            reason = f"Reading this file stopped the reader {MOST_ATTEMPTS - 1} times (poison); it is kept."
            await self._give_up(job, reason)
            return True
        try:
            body, private = await self._bodies.fetch(job.sha256)
        except SecretUnreadable as error:
            await self._give_up(job, str(error))
            return True
        await self._reader.read(_with_body(job, body, private))
        return True

    async def _give_up(self, job: Job, reason: str) -> None:
        outcome = Outcome("rejected", "opaque", Summary(), reason)
        async with self._database.begin() as connection:
            await self._archive.finish(connection, job, outcome)

    async def withdraw(self, id: int, site: str | None, by: str) -> None:
        """Take a payload out of the ledger, which is recomputed without it; its bytes are kept.

        Raises NotFound; withdrawing twice changes nothing.
        """
        row = await self.get(id, site)
        if row.state != "withdrawn":
            await self._replay.withdraw(id, by)

    async def reread(self, id: int, site: str | None = None) -> Delivered:
        """Read a payload again with today's parser. Raises NotFound; Refused for a withdrawn one."""
        row = await self.get(id, site)
        if row.state == "withdrawn":
            raise Refused("This file was withdrawn; it takes no part in the ledger.", "WITHDRAWN")
        if row.state == "stored":
            await self.read_orphans()
        else:
            await self._replay.reread(id)
        return await self._state(id)


def _with_body(job: Job, body: bytes, private: bool) -> Job:
    return replace(job, payload=replace(job.payload, body=body, private=private))


def _receipt(job: Job, outcome: Outcome, claims: Claims | None) -> Delivered:
    _compare(outcome.summary, outcome.state, claims)
    sha256, size = job.payload.sha256, len(job.payload.body)
    return Delivered(
        job.id, sha256, size, False, outcome.state, outcome.kind, outcome.summary, outcome.reason
    )


def _compare(summary: Summary, state: str, claims: Claims | None) -> None:
    """Note where the sender named another usage point than the rows."""
    named = claims.external_id if claims else None
    if named and state == "read" and all(p.external_id != named for p in summary.points):
        summary.notes.append(f"The sender named {named}, but no row of the file is of it.")
