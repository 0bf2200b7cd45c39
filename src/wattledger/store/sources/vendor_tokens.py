"""Vendor tokens: sealed, held by one refresher at a time, moved only to a higher generation.

The lock is across all processes and is kept over the vendor call, on a database connection of its own
(a lock file on SQLite). It is not the row's lock, so that the row's lease can be renewed meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from wattledger.errors import NotFound, TryLater
from wattledger.faults import sabotaged
from wattledger.secrets import Vault
from wattledger.store.database import Database
from wattledger.store.tables import connection as table


@dataclass(slots=True)
class SealedSlot:
    """One connection's token while it is held; `current` is None where there is none."""

    _tokens: VendorTokens = field(repr=False)
    id: str
    generation: int
    current: Mapping[str, Any] | None = field(repr=False)

    async def save(self, token: Mapping[str, Any]) -> None:
        """Seal and commit a new token. Raises TryLater where somebody else saved one meanwhile."""
        await self._tokens.save_token(self.id, token, seen=self.generation)
        self.current, self.generation = token, self.generation + 1


class VendorTokens:
    """The token columns of connections; part of Connections."""

    _database: Database
    _vault: Vault

    @asynccontextmanager
    async def token(self, id: str) -> AsyncIterator[SealedSlot]:
        """Hold a connection's token. Raises NotFound; SecretUnreadable where it can't be opened."""
        async with self._alone(id):
            query = select(table.c.token, table.c.token_generation).where(table.c.id == id)
            async with self._database.connect() as connection:
                row = (await connection.execute(query)).one_or_none()
            if row is None:
                raise NotFound("There is no such connection.")
            current = None if row.token is None else json.loads(self._vault.open(row.token, **_cell(id)))
            yield SealedSlot(self, id, row.token_generation, current)

    async def save_token(self, id: str, token: Mapping[str, Any], *, seen: int) -> None:
        """Replace the token of generation `seen`. Raises TryLater where it is no longer the newest."""
        sealed = self.sealed_token(id, token)
        newest = (table.c.id == id) & (table.c.token_generation == seen)
        change = update(table).where(newest).values(token=sealed, token_generation=seen + 1)
        async with self._database.begin() as connection:
            done = await connection.execute(change)
        if not done.rowcount:
            raise TryLater("Another process saved a newer token meanwhile; it is used at the next try.")

    def sealed_token(self, id: str, token: Mapping[str, Any]) -> str:
        """A token sealed for its column. Raises Misconfigured without a sealing key."""
        return self._vault.seal(json.dumps(dict(token)).encode(), **_cell(id))

    def _alone(self, id: str) -> AbstractAsyncContextManager[None]:
        return nullcontext() if sabotaged("token_lock") else self._database.exclusive(f"token-{id}")


def _cell(id: str) -> dict[str, str]:
    return {"table": "connection", "row": id, "column": "token"}
