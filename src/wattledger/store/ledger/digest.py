"""One hex word over all energy and flags: equal ledgers, equal words, on either engine."""

from __future__ import annotations

import hashlib
import struct

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.store.database import Database
from wattledger.store.tables import energy_day, usage_point


async def digest(database: Database, site: str | None = None) -> str:
    """sha256 over (external id, flow, day, values, flags) in that order; no ids, history or payloads.

    One usage point at a time, so memory stays small.
    """
    word = hashlib.sha256()
    async with database.connect() as connection:
        query = select(usage_point.c.external_id, usage_point.c.n)
        if site is not None:
            query = query.where(usage_point.c.site == site)
        points = sorted((row.external_id, row.n) for row in await connection.execute(query))
        for name, number in points:
            await _add(connection, word, name.encode(), number)
    return word.hexdigest()


async def _add(connection: AsyncConnection, word: hashlib._Hash, name: bytes, number: int) -> None:
    table = energy_day
    query = (
        select(table.c.flow, table.c.day, table.c["values"], table.c.flags)
        .where(table.c.usage_point == number, table.c.found > 0)
        .order_by(table.c.flow, table.c.day)
    )
    for flow, day, values, flags in await connection.execute(query):
        word.update(struct.pack("<HiiHH", len(name), flow, day, len(values), len(flags or b"")))
        word.update(name + values + (flags or b""))
