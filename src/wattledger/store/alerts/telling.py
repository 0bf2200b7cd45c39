"""Telling of alerts: who tells an event holds it for two minutes, so that of many processes one does.

What could not be told is tried again for a day. A process that dies while it tells leaves the event to the
next: then it may be told twice, never not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.faults import sabotaged
from wattledger.store.alerts.alerts import AlertRow, row_of
from wattledger.store.alerts.tables import alert as table
from wattledger.store.database import Database

LEASE = timedelta(minutes=2)
PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 360, 360))
"""before each further try"""


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell about an alert, held by us: `opened`, `worse` or `closed`."""

    alert: AlertRow
    name: str

    @property
    def done(self) -> frozenset[str]:
        """The ways by which this event was told already."""
        return frozenset(self.alert.told.get(self.name, ()))

    @property
    def began(self) -> frozenset[str]:
        """The ways by which it was told that the trouble is there."""
        return frozenset(way for name in ("opened", "worse") for way in self.alert.told.get(name, ()))


class Telling:
    """The columns of the table of alerts that say what is to be told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, now: datetime, limit: int = 100) -> Sequence[Event]:
        """Events that are due, held by us for two minutes; the oldest first."""
        due = (table.c.next_tell_at <= now) & table.c.event.is_not(None)
        wanted = select(table.c.id).where(due).order_by(table.c.next_tell_at, table.c.id).limit(limit)
        async with self._database.connect() as connection:
            if (await connection.execute(wanted)).first() is None:
                return []
            if sabotaged("alert_once"):
                rows = (await connection.execute(select(table).where(due))).all()
                return [Event(row_of(row), row.event) for row in rows]
        chosen = wanted.with_for_update(skip_locked=True).cte("chosen")
        held = {"next_tell_at": now + LEASE, "tries": table.c.tries + 1}
        taken = update(table).where(table.c.id.in_(select(chosen.c.id))).values(held).returning(table)
        async with self._database.begin() as connection:
            rows = (await connection.execute(taken)).all()
        return [Event(row_of(row), row.event) for row in sorted(rows, key=lambda row: row.opened_at)]

    async def told(self, event: Event, ways: Collection[str], failed: bool, now: datetime) -> None:
        """Note the ways by which it was told; what failed is tried again, for a day."""

        async def work(connection: AsyncConnection) -> None:
            mine = table.c.id == event.alert.id
            row = (await connection.execute(select(table).where(mine).with_for_update())).one_or_none()
            if row is None:
                return
            known = {*row.told.get(event.name, ()), *ways}
            changes: dict[str, Any] = {"told": {**row.told, event.name: sorted(known)}}
            if ways:
                changes["told_at"] = now
            if (row.event, row.next_tell_at) == (event.name, event.alert.next_tell_at):
                again = PAUSES[row.tries - 1] if failed and row.tries <= len(PAUSES) else None
                changes |= {"next_tell_at": now + again} if again else {"event": None, "next_tell_at": None}
            await connection.execute(update(table).where(mine).values(changes))

        await self._database.transact(work)
