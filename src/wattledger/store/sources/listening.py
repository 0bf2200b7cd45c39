"""Who listens to a connection's pushes: a lease of its own, beside that of polling, so that neither waits.

Only a connection whose last poll went well is listened to. Every write is fenced by the lease; it is lost
when the connection is stopped or signed in anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, true, update

from wattledger.clock import chance
from wattledger.errors import TryLater, WattledgerError
from wattledger.faults import sabotaged
from wattledger.secrets import SecretUnreadable
from wattledger.store.database import Database
from wattledger.store.ids import new_id
from wattledger.store.lease import unheld
from wattledger.store.sources.connections import Claimed, Connections
from wattledger.store.sources.outcome import STOPPED, pause
from wattledger.store.tables import connection as table

LEASE = timedelta(minutes=3)


class Listening:
    """The listening columns of connections."""

    def __init__(
        self, database: Database, connections: Connections, random: Callable[[], float] = chance
    ) -> None:
        self._database = database
        self._connections = connections
        self._random = random

    async def claim(self, limit: int, connectors: Collection[str]) -> Sequence[Claimed]:
        """Lease up to `limit` connections that nobody listens to now."""
        now = self._database.clock.now()
        free = select(table.c.id).where(_free(connectors, now)).order_by(table.c.id).limit(limit)
        async with self._database.connect() as connection:
            if (await connection.execute(free)).first() is None:
                return []
        chosen = free.with_for_update(skip_locked=True).cte("chosen")
        leased = {"listener": new_id(), "listening_until": now + LEASE}
        taken = update(table).where(table.c.id.in_(select(chosen.c.id))).values(leased).returning(table)
        async with self._database.begin() as connection:
            rows = (await connection.execute(taken)).all()
        found = []
        for row in rows:
            try:
                secrets = await self._connections.secrets(row.id, row.site)
            except SecretUnreadable as error:
                await self.settle(row.id, row.listener, error)
                continue
            found.append(Claimed(row.id, row.site, row.connector, row.options, secrets, row.listener, None))
        return found

    async def renew(self, id: str, lease: str) -> bool:
        """Listen on. False where another listens by now, or nobody should."""
        until = self._database.clock.now() + LEASE
        running = _held(id, lease) & table.c.state.not_in(STOPPED)
        async with self._database.begin() as connection:
            done = await connection.execute(update(table).where(running).values(listening_until=until))
        return done.rowcount > 0

    async def settle(
        self, id: str, lease: str, error: WattledgerError | None, again: datetime | None = None
    ) -> None:
        """Let go until `again`; after an error for longer and longer, half of it at random."""
        now = self._database.clock.now()
        query = select(table.c.listen_failures).where(_held(id, lease))
        async with self._database.begin() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return
            failures = row.listen_failures or 0
            wish = error.after if isinstance(error, TryLater) else None
            later = again if error is None else now + pause(wish, failures, self._random)
            changes = {"listen_at": later, "listen_failures": 0 if error is None else failures + 1}
            free = {"listener": None, "listening_until": None}
            await connection.execute(update(table).where(_held(id, lease)).values({**changes, **free}))


def _free(connectors: Collection[str], now: datetime) -> ColumnElement[bool]:
    nobody = unheld(table.c.listening_until, now, LEASE)
    due = or_(table.c.listen_at.is_(None), table.c.listen_at <= now)
    return and_(table.c.connector.in_(connectors), table.c.state == "ok", nobody, due)


def _held(id: str, lease: str) -> ColumnElement[bool]:
    fence = true() if sabotaged("listener_fence") else table.c.listener == lease
    return (table.c.id == id) & fence
