"""Heartbeats: the newest cycle line of each relay. A silent relay is an alert, not an empty folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from wattledger.store.database import Database
from wattledger.store.tables import heartbeat
from wattledger.store.upsert import insert_or_update


@dataclass(frozen=True, slots=True)
class HeartbeatRow:
    """What a relay last said, and when."""

    name: str
    line: Mapping[str, Any]
    at: datetime


class Heartbeats:
    """The table of heartbeats; part of Connections."""

    _database: Database

    async def heartbeat(self, name: str, line: Mapping[str, Any], now: datetime | None = None) -> None:
        """Keep a relay's newest line, and in it as `good_at` when a cycle last did not fail."""
        at = now or self._database.clock.now()
        async with self._database.begin() as connection:
            good_at = at.isoformat()
            if line.get("status") == "failed":
                before = await connection.scalar(select(heartbeat.c.line).where(heartbeat.c.name == name))
                good_at = (before or {}).get("good_at", good_at)
            values = {"name": name, "line": {**line, "good_at": good_at}, "at": at}
            await insert_or_update(connection, heartbeat, values)

    async def heartbeats(self) -> Sequence[HeartbeatRow]:
        """The newest line of every relay, by name."""
        async with self._database.connect() as connection:
            rows = await connection.execute(select(heartbeat).order_by(heartbeat.c.name))
            return [HeartbeatRow(row.name, row.line, row.at) for row in rows]
