"""Key rotation: seals every stored secret anew with the newest key, a batch a transaction."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.secrets import SecretUnreadable, Vault
from wattledger.store.database import Database
from wattledger.store.tables import connection as table

SEALED = ("secrets", "token")
"""columns of `connection` that hold sealed values, each bound to (connection, id, column)"""
BATCH = 100


async def reseal(database: Database, vault: Vault) -> tuple[int, int]:
    """How many values moved to the newest key, and how many no key here opens (they stay as they are)."""
    moved = unreadable = 0
    after = ""
    while True:

        async def batch(connection: AsyncConnection, after: str = after) -> tuple[str, int, int]:
            return await _batch(connection, vault, after)

        after, now_moved, now_unreadable = await database.transact(batch)
        moved, unreadable = moved + now_moved, unreadable + now_unreadable
        if not after:
            return moved, unreadable


async def _batch(connection: AsyncConnection, vault: Vault, after: str) -> tuple[str, int, int]:
    columns = [table.c.id, *(table.c[name] for name in SEALED)]
    wanted = select(*columns).where(table.c.id > after).order_by(table.c.id).limit(BATCH).with_for_update()
    rows = (await connection.execute(wanted)).all()
    moved = unreadable = 0
    for row in rows:
        fresh, lost = _fresh(vault, row.id, {name: getattr(row, name) for name in SEALED})
        moved, unreadable = moved + len(fresh), unreadable + lost
        if fresh:
            await connection.execute(update(table).where(table.c.id == row.id).values(**fresh))
    return (rows[-1].id if len(rows) == BATCH else ""), moved, unreadable


def _fresh(vault: Vault, row: str, cells: dict[str, str | None]) -> tuple[dict[str, str], int]:
    fresh, lost = {}, 0
    for column, sealed in cells.items():
        if sealed is None or vault.is_current(sealed):
            continue
        try:
            fresh[column] = vault.reseal(sealed, table="connection", row=row, column=column)
        except SecretUnreadable:
            lost += 1
    return fresh, lost
