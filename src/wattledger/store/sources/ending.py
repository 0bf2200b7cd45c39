"""How a connection comes to rest: stopped by what the vendor told us, or disconnected by its owner.

A stop for a wrong setting ends when a process starts: whoever starts one has changed something.
"""

from __future__ import annotations

from sqlalchemy import update

from wattledger.errors import NotFound, WattledgerError
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.sources.outcome import DISCONNECTED, outcome
from wattledger.store.sources.vehicles import Vehicles
from wattledger.store.tables import connection as table

UNHELD = {"lease": None, "leased_until": None, "listener": None, "listening_until": None, "listen_at": None}
"""whoever works on it has lost it: nothing they write any more counts"""


class Endings:
    """Part of Connections."""

    _database: Database
    _audit: Audit

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

    async def disconnect(self, id: str, site: str, by: str) -> None:
        """Erase token and secrets and take the connection's vehicles out of use; all history is kept.

        Signing in anew makes it run again. Raises NotFound.
        """
        erased = {"token": None, "secrets": None, "token_generation": table.c.token_generation + 1}
        rest = {"state": DISCONNECTED, "next_poll_at": None, "last_error": None, "paused_until": None}
        mine = (table.c.id == id) & (table.c.site == site)
        async with self._database.begin() as connection:
            change = update(table).where(mine).values({**erased, **rest, **UNHELD})
            if not (await connection.execute(change)).rowcount:
                raise NotFound("There is no such connection.")
            await Vehicles(self._database).release_all(connection, id, site)
            subject = f"connection:{id}"
            await self._audit.record(connection, by, "connection.disconnected", subject, site=site)
