"""How a connection comes to rest: stopped by what the vendor told us, or disconnected by its owner.

A stop for a wrong setting ends when a process starts: whoever starts one has changed something. What its
owner let go is told to its vendor until that knows, or will not hear of it; only then the token is erased.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.connectors.base import ENDING
from wattledger.errors import LoginRequired, NotFound, WattledgerError
from wattledger.faults import sabotaged
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.sources.outcome import DISCONNECTED, STOPPED, outcome, removed
from wattledger.store.sources.vehicle_calls import in_use
from wattledger.store.sources.vehicles import VehicleRow, Vehicles
from wattledger.store.tables import connection as table

UNHELD = {"lease": None, "leased_until": None, "listener": None, "listening_until": None, "listen_at": None}
"""whoever works on it has lost it: nothing they write any more counts"""
FREE = {"lease": None, "leased_until": None}
REST = {"state": DISCONNECTED, "next_poll_at": None, "last_error": None, "paused_until": None}
ERASED = {"token": None, "secrets": None, "token_generation": table.c.token_generation + 1}


class Endings:
    """Part of Connections."""

    _database: Database
    _audit: Audit
    _random: Callable[[], float]

    async def stop(self, id: str, site: str, error: WattledgerError) -> bool:
        """Note what a vendor told us of a connection outside of a poll, and take it from whoever holds it.

        LoginRequired and Misconfigured stop it until a person acts. False where it was disconnected before,
        or there is no such connection.
        """
        mine = (table.c.id == id) & (table.c.site == site) & (table.c.state != DISCONNECTED)
        changes = outcome(error, 0, self._database.clock.now(), None, lambda: 0.0)
        del changes["failures"]
        async with self._database.begin() as connection:
            done = await connection.execute(update(table).where(mine).values({**changes, **UNHELD}))
        return done.rowcount > 0

    async def retry_misconfigured(self) -> int:
        """Make connections due that a wrong setting had stopped. Returns how many."""
        again = {"state": "late", "failures": 0, "next_poll_at": self._database.clock.now()}
        stopped = update(table).where(table.c.state == "misconfigured").values(again)
        async with self._database.begin() as connection:
            return (await connection.execute(stopped)).rowcount

    async def let_go(self, id: str, site: str, cars: Sequence[VehicleRow], by: str) -> None:
        """Take vehicles of a connection out of use; its vendor is told that from now on until it knows.

        With the last of them the connection is disconnected, and its token erased once the vendor knows.
        All history is kept. Raises NotFound.
        """
        mine, ids = (table.c.id == id) & (table.c.site == site), [car.external_id for car in cars]

        async def work(connection: AsyncConnection) -> None:
            query = select(table.c.options).where(mine).with_for_update()
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                raise NotFound("There is no such connection.")
            numbers = [car.n for car in cars]
            left = await Vehicles(self._database).release_some(connection, id, site, numbers)
            untold = sorted({*row.options.get(ENDING, ()), *ids})
            changes: dict[str, Any] = {"options": {**row.options, ENDING: untold}}
            if not left:
                now = self._database.clock.now()
                changes |= {**REST, **UNHELD, "failures": 0, "next_poll_at": now}
            await connection.execute(update(table).where(mine).values(changes))
            done = [("vehicle.unlinked", f"vehicle:{car.id}") for car in cars]
            for action, subject in done if left else [("connection.disconnected", f"connection:{id}")]:
                await self._audit.record(connection, by, action, subject, site=site)

        await self._database.transact(work)

    async def untold(self, id: str) -> list[str]:
        """What was let go of a connection and is not in use again, and its vendor is yet to be told."""
        async with self._database.connect() as connection:
            options = await connection.scalar(select(table.c.options).where(table.c.id == id)) or {}
            ids = options.get(ENDING, ())
            used = await in_use(connection, ids)
        return [id for id in ids if id not in used]

    async def told(self, id: str, lease: str, external_ids: Collection[str]) -> None:
        """Note that a vendor was told of these; nothing is written where the lease is lost."""
        async with self._database.begin() as connection:
            query = select(table.c.options).where(held(id, lease)).with_for_update()
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return
            done = {*external_ids, *await in_use(connection, row.options.get(ENDING, ()))}
            left = [id for id in row.options.get(ENDING, ()) if id not in done]
            options = without_ending(row.options) | ({ENDING: left} if left else {})
            await connection.execute(update(table).where(held(id, lease)).values(options=options))

    async def settle(
        self, id: str, lease: str, error: WattledgerError | None, again: datetime | None = None
    ) -> bool:
        """Note how it went, set the next poll, let go. False, and nothing written, where the lease is lost.

        `again` is when to poll next after a success, None for never. After TryLater it is the vendor's
        wish within 1 s to 1 h, else 30 s doubled by failure up to 1 h, half of it at random. What its owner
        let go stays disconnected: it comes back until its vendor was told.
        """
        now = self._database.clock.now()
        async with self._database.begin() as connection:
            query = select(table.c.failures, table.c.state, table.c.options).where(held(id, lease))
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return False
            if row.state == DISCONNECTED:
                final = isinstance(error, LoginRequired) or sabotaged("told_again")
                untold = bool(row.options.get(ENDING)) and not final
                changes = removed(error, row.failures, now, untold, self._random)
                changes |= {} if untold else {**ERASED, "options": without_ending(row.options)}
            else:
                changes = outcome(error, row.failures, now, again, self._random)
            change = update(table).where(held(id, lease)).values({**changes, **FREE})
            done = await connection.execute(change)
        return done.rowcount > 0

    async def disconnect(self, id: str, site: str, by: str) -> None:
        """Erase token and secrets and take the connection's vehicles out of use; all history is kept.

        Signing in anew makes it run again. Raises NotFound.
        """
        mine = (table.c.id == id) & (table.c.site == site)
        async with self._database.begin() as connection:
            change = update(table).where(mine).values({**REST, **ERASED, **UNHELD})
            if not (await connection.execute(change)).rowcount:
                raise NotFound("There is no such connection.")
            await Vehicles(self._database).release_some(connection, id, site, None)
            subject = f"connection:{id}"
            await self._audit.record(connection, by, "connection.disconnected", subject, site=site)


def working() -> ColumnElement[bool]:
    """Connections that come due: those that run, and those let go while their vendor is untold."""
    untold = (table.c.state == DISCONNECTED) & table.c.next_poll_at.is_not(None)
    return or_(table.c.state.not_in(STOPPED), untold)


def held(id: str, lease: str) -> ColumnElement[bool]:
    """The connection, where that lease still holds it."""
    fence = true() if sabotaged("lease_fence") else table.c.lease == lease
    return (table.c.id == id) & fence


def without_ending(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options once the vendor was told."""
    return {name: value for name, value in options.items() if name != ENDING}
