"""What an operator asks of the archive: what waits, what was read or rejected, how old the newest is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from wattledger.store.database import Database
from wattledger.store.tables import payload

AGAIN = 1000
"""payloads looked at once more, since numbers are given before they are committed"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Payloads by state, and since when the oldest waits."""

    states: dict[str, int]
    oldest: datetime | None


async def backlog(database: Database) -> Backlog:
    """Count them, by the index over states."""
    async with database.connect() as connection:
        rows = await connection.execute(select(payload.c.state, func.count()).group_by(payload.c.state))
        states = {row[0]: row[1] for row in rows}
        waiting = select(func.min(payload.c.received_at)).where(payload.c.state == "stored")
        return Backlog(states, await connection.scalar(waiting))


class Newest:
    """When the newest payload of each connector and way came; every look reads only what came since."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = 0
        self._found: dict[tuple[str, str], datetime] = {}

    async def look(self) -> dict[tuple[str, str], datetime]:
        """By connector and source (`relay`, `upload`, ...)."""
        came = func.max(payload.c.received_at)
        columns = (payload.c.connector, payload.c.source)
        query = select(*columns, came, func.max(payload.c.id)).where(payload.c.id > self._seen - AGAIN)
        async with self._database.connect() as connection:
            rows = (await connection.execute(query.group_by(*columns))).all()
        for connector, source, at, last in rows:
            known = self._found.get((connector, source))
            self._found[connector, source] = at if known is None else max(at, known)
            self._seen = max(self._seen, last)
        return self._found
