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
    good_at: datetime | None = None
    """when a cycle last did not fail; the first one counts as good"""


class Heartbeats:
    """The table of heartbeats; part of Connections."""

    _database: Database

    async def heartbeat(self, name: str, line: Mapping[str, Any], now: datetime | None = None) -> None:
        """Keep a relay's newest line, and when one last told of no failure."""
        at = now or self._database.clock.now()
        async with self._database.begin() as connection:
            values: dict[str, Any] = {"name": name, "line": dict(line), "at": at}
            before = await connection.scalar(select(heartbeat.c.good_at).where(heartbeat.c.name == name))
            if line.get("status") != "failed" or before is None:
                values["good_at"] = at
            await insert_or_update(connection, heartbeat, values)

    async def heartbeats(self) -> Sequence[HeartbeatRow]:
        """The newest line of every relay, by name."""
        async with self._database.connect() as connection:
            rows = await connection.execute(select(heartbeat).order_by(heartbeat.c.name))
            return [HeartbeatRow(row.name, row.line, row.at, row.good_at) for row in rows]
