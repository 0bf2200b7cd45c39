"""Canaries: files that a deployment test sends through relay and hub, and the one kind that can be removed.

A canary says so itself (`source` canary) and holds no reading. Whatever reached the ledger is no canary,
whatever it calls itself: it can be withdrawn, never removed.
"""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import NotFound, Refused
from wattledger.faults import sabotaged
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.tables import body, payload, payload_point

SOURCE = "canary"


async def remove(database: Database, audit: Audit, sha256: str, by: str) -> int:
    """Remove every payload of that digest and its bytes. Returns how many there were.

    Raises NotFound where there is none, Refused where one of them is no canary.
    """
    async with database.begin() as connection:
        found = select(payload.c.id, payload.c.headers, payload.c.state, payload.c.site)
        rows = (await connection.execute(found.where(payload.c.sha256 == sha256))).all()
        if not rows:
            raise NotFound("There is no such file.")
        ids = [row.id for row in rows]
        named = all(row.headers.get("source") == SOURCE and row.state != "stored" for row in rows)
        if not sabotaged("canary_guard") and (not named or await _told(connection, ids)):
            raise Refused("This file is no canary; withdraw it instead.", "NO_CANARY", status=409)
        await connection.execute(delete(payload).where(payload.c.id.in_(ids)))
        await connection.execute(delete(body).where(body.c.sha256 == sha256))
        for row in rows:
            await audit.record(connection, by, "canary.removed", f"payload:{row.id}", {}, row.site)
    return len(ids)


async def _told(connection: AsyncConnection, ids: list[int]) -> int:
    """How many usage points these payloads speak of."""
    counted = select(func.count()).select_from(payload_point).where(payload_point.c.payload.in_(ids))
    found: int | None = await connection.scalar(counted)
    return found or 0
