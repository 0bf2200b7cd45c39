"""One hex word over all energy and flags: equal ledgers, equal words, on either engine.

A usage point's leaf is a sha256 over its days; the word is a sha256 over the leaves in the order of external
ids. So parts of a ledger can be hashed side by side, and their leaves strung together give the same word.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.store.database import Database
from wattledger.store.tables import energy_day, usage_point

_CHUNK = 20
"""usage points whose days are held at a time: bounds memory"""
_DAYS = (
    select(
        energy_day.c.usage_point,
        energy_day.c.flow,
        energy_day.c.day,
        energy_day.c["values"],
        energy_day.c.flags,
    )
    .where(energy_day.c.found > 0)
    .order_by(energy_day.c.usage_point, energy_day.c.flow, energy_day.c.day)
)


async def digest(database: Database, site: str | None = None) -> str:
    """sha256 over (external id, flow, day, values, flags), by usage point; no ids, history or payloads."""
    async with database.connect() as connection:
        return await digest_on(connection, site)


async def digest_on(connection: AsyncConnection, site: str | None = None) -> str:
    """The same, as the transaction of a connection sees it."""
    word = hashlib.sha256()
    points = await _points(connection, site)
    for start in range(0, len(points), _CHUNK):
        word.update(await leaves(connection, points[start : start + _CHUNK]))
    return word.hexdigest()


async def leaves(connection: AsyncConnection, points: Sequence[tuple[str, int]]) -> bytes:
    """The leaves of these usage points (external id, `n`), in their order; none of one without energy."""
    names = {number: name.encode() for name, number in points}
    found: dict[int, hashlib._Hash] = {}
    for start in range(0, len(points), _CHUNK):
        chosen = [number for _, number in points[start : start + _CHUNK]]
        rows = await connection.execute(_DAYS.where(energy_day.c.usage_point.in_(chosen)))
        for number, *day in rows:
            found.setdefault(number, hashlib.sha256()).update(packed(names[number], *day))
    return strung([(number, leaf.digest()) for number, leaf in found.items()], names)


def strung(of: Iterable[tuple[int, bytes]], names: Mapping[int, bytes]) -> bytes:
    """Leaves in the order of `names`."""
    known = dict(of)
    return b"".join(known[number] for number in names if number in known)


def packed(name: bytes, flow: int, day: int, values: bytes, flags: bytes | None) -> bytes:
    """A day as it is hashed; `flags` count only where one is set."""
    flags = flags or b""
    return struct.pack("<HiiHH", len(name), flow, day, len(values), len(flags)) + name + values + flags


async def earlier(database: Database) -> str:
    """The word of before there were leaves, one hash over everything: old backups name it."""
    word = hashlib.sha256()
    async with database.connect() as connection:
        for name, number in await _points(connection, None):
            rows = await connection.execute(_DAYS.where(energy_day.c.usage_point == number))
            for _, *day in rows:
                word.update(packed(name.encode(), *day))
    return word.hexdigest()


async def _points(connection: AsyncConnection, site: str | None) -> list[tuple[str, int]]:
    query = select(usage_point.c.external_id, usage_point.c.n)
    if site is not None:
        query = query.where(usage_point.c.site == site)
    return sorted((row.external_id, row.n) for row in await connection.execute(query))
