"""Payloads that vendors push: archived together with whatever comes at the same moment, read afterwards.

A commit costs a disk's patience whatever it holds. So callers queue up, the first waits a moment for others
or for the writer, and all of them share one transaction; each is answered after it was committed. An event
that is here already is answered without writing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import TryLater
from wattledger.faults import fault, sabotaged
from wattledger.model import Payload
from wattledger.store.archive.bodies import Bodies, Packed
from wattledger.store.archive.jobs import Archive
from wattledger.store.database import Database
from wattledger.store.patience import patient, waiting
from wattledger.store.tables import payload as table

WINDOW_SECONDS = 0.002
LARGEST_BATCH = 200
Event = tuple[str, str]
"""a site and an identity within it"""


@dataclass(frozen=True, slots=True)
class Received:
    """The receipt of a pushed payload, given after it was committed."""

    id: int | None
    duplicate: bool


@dataclass(slots=True)
class Arrival:
    """A payload on its way in; `identity` tells it from others of its site, None for one of its own."""

    site: str
    payload: Payload
    identity: str | None
    packed: Packed
    receipt: asyncio.Future[Received] = field(repr=False)

    @property
    def event(self) -> Event | None:
        """What tells it from every other payload."""
        return None if self.identity is None else (self.site, self.identity)


class Intake:
    """See the module."""

    def __init__(self, database: Database, bodies: Bodies, archive: Archive) -> None:
        self._database = database
        self._bodies = bodies
        self._archive = archive
        self._queue: list[Arrival] = []
        self._committing: asyncio.Task[None] | None = None
        self.waiting = asyncio.Event()
        """set when payloads wait to be read"""

    async def receive(self, site: str, payload: Payload, event: str | None) -> Received:
        """Archive; the receipt is given after the commit. `event` is the vendor's id of what it tells.

        Raises TryLater when the database does not answer, Misconfigured without a key for private bytes.
        """
        identity = None if event is None or sabotaged("event_identity") else f"{payload.connector}:{event}"
        receipt: asyncio.Future[Received] = asyncio.get_running_loop().create_future()
        packed = await self._bodies.place(payload)
        self._queue.append(Arrival(site, payload, identity, packed, receipt))
        if self._committing is None or self._committing.done():
            with patient():
                self._committing = asyncio.create_task(self._work())
        if sabotaged("group_commit"):
            return Received(None, False)
        async with waiting():
            return await receipt

    async def drained(self) -> None:
        """Wait until all that is queued was committed or refused."""
        if self._committing is not None:
            await self._committing

    async def _work(self) -> None:
        await asyncio.sleep(WINDOW_SECONDS)
        while self._queue:
            batch, self._queue = self._queue[:LARGEST_BATCH], self._queue[LARGEST_BATCH:]
            await self._settle(batch)

    async def _settle(self, batch: Sequence[Arrival]) -> None:
        """Commit a batch and answer; where one spoils it, each is committed alone."""
        batch = [arrival for arrival in batch if not arrival.receipt.done()]  # its request may be gone
        try:
            receipts = await self._commit(batch)
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, TryLater):
                for arrival in batch:
                    await self._settle([arrival])
                return
            for arrival in batch:
                if not arrival.receipt.done():
                    arrival.receipt.set_exception(error)
            return
        for arrival, receipt in zip(batch, receipts, strict=True):
            if not arrival.receipt.done():  # its request may be gone
                arrival.receipt.set_result(receipt)
        self.waiting.set()

    async def _commit(self, batch: Sequence[Arrival]) -> list[Received]:
        there = await self._known(batch)
        fresh = _first_of_each([a for a in batch if a.event not in there])
        made: dict[int, int | None] = {}

        async def work(connection: AsyncConnection) -> None:
            await self._bodies.keep_all(connection, [a.packed for a in fresh])
            ids = await self._archive.put_all(connection, [(a.site, a.payload, a.identity) for a in fresh])
            made.update(zip(map(id, fresh), ids, strict=True))
            fault("hub.before_intake_commit")

        if fresh:
            await self._database.transact(work)
            fault("hub.after_intake_commit")
        there |= {a.event: made[id(a)] for a in fresh if a.event}
        return [
            Received(made[id(a)], False) if made.get(id(a)) else Received(there[a.event], True) for a in batch
        ]

    async def _known(self, batch: Sequence[Arrival]) -> dict[Event | None, int | None]:
        """The payloads of these events that are here already."""
        named = sorted({a.event for a in batch if a.event})
        found: dict[Event | None, int | None] = {}
        for site, events in groupby(named, key=lambda event: event[0]):
            mine = (table.c.site == site) & table.c.identity.in_([identity for _, identity in events])
            async with self._database.connect() as connection:
                query = select(table.c.id, table.c.identity).where(mine)
                found |= {(site, row.identity): row.id for row in await connection.execute(query)}
        return found


def _first_of_each(batch: Sequence[Arrival]) -> list[Arrival]:
    seen: set[Event] = set()
    fresh = []
    for arrival in batch:
        if arrival.event is None or arrival.event not in seen:
            fresh.append(arrival)
        if arrival.event:
            seen.add(arrival.event)
    return fresh
