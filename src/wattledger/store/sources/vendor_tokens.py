"""Vendor tokens: sealed, held by one refresher at a time, moved only to a higher generation.

A refresh is noted before the vendor is asked (`refresh_started_at`). A note whose lock is free was left by a
process that died: the vendor may have used up the refresh token, and gives the same pair again for a short
while only. So such a refresh is repeated at once, under a lease that is taken from the dead.

The lock is across all processes and is kept over the vendor call, on a database connection of its own
(a lock file on SQLite). It is not the row's lock, so that the row's lease can be renewed meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, or_, select, update

from wattledger.errors import NotFound, TryLater
from wattledger.faults import fault, sabotaged
from wattledger.secrets import Vault
from wattledger.store.database import Database
from wattledger.store.sources.ending import working
from wattledger.store.tables import connection as table


@dataclass(slots=True)
class SealedSlot:
    """One connection's token while it is held; `current` is None where there is none."""

    _tokens: VendorTokens = field(repr=False)
    id: str
    generation: int
    current: Mapping[str, Any] | None = field(repr=False)
    unfinished: bool

    async def begin(self) -> None:
        """Note, committed, that a refresh begins."""
        await self._tokens.note_refresh(self.id, begins=True)
        self.unfinished = True

    async def end(self) -> None:
        """Note that it came to nothing."""
        if self.unfinished:
            await self._tokens.note_refresh(self.id, begins=False)
            self.unfinished = False

    async def save(self, token: Mapping[str, Any]) -> None:
        """Seal and commit a new token. Raises TryLater where somebody else saved one meanwhile."""
        await self._tokens.save_token(self.id, token, seen=self.generation)
        self.current, self.generation, self.unfinished = token, self.generation + 1, False


class VendorTokens:
    """The token columns of connections; part of Connections."""

    _database: Database
    _vault: Vault

    @asynccontextmanager
    async def token(self, id: str) -> AsyncIterator[SealedSlot]:
        """Hold a connection's token. Raises NotFound; SecretUnreadable where it can't be opened."""
        async with self._alone(id):
            columns = (table.c.token, table.c.token_generation, table.c.refresh_started_at)
            query = select(*columns).where(table.c.id == id)
            async with self._database.connect() as connection:
                row = (await connection.execute(query)).one_or_none()
            if row is None:
                raise NotFound("There is no such connection.")
            current = None if row.token is None else json.loads(self._vault.open(row.token, **_cell(id)))
            unfinished = row.refresh_started_at is not None
            yield SealedSlot(self, id, row.token_generation, current, unfinished)

    async def save_token(self, id: str, token: Mapping[str, Any], *, seen: int) -> None:
        """Replace the token of generation `seen`. Raises TryLater where it is no longer the newest."""
        sealed = self.sealed_token(id, token)
        newest = (table.c.id == id) & (table.c.token_generation == seen)
        moved = {"token": sealed, "token_generation": seen + 1, "refresh_started_at": None}
        change = update(table).where(newest).values(moved)
        fault("hub.before_token_commit")
        async with self._database.begin() as connection:
            done = await connection.execute(change)
        if not done.rowcount:
            raise TryLater("Another process saved a newer token meanwhile; it is used at the next try.")

    async def note_refresh(self, id: str, *, begins: bool) -> None:
        """Note that a refresh begins, or that it is over. Only the holder of the token does."""
        when = self._database.clock.now() if begins else None
        if begins and sabotaged("refresh_note"):
            return
        async with self._database.begin() as connection:
            await connection.execute(update(table).where(table.c.id == id).values(refresh_started_at=when))

    async def warned(self, id: str, mark: str) -> bool:
        """Note a warning about a token; True where neither it nor a later one was noted before.

        Marks of one connection sort by their time: the end of a token, then how near it is.
        """
        new = or_(table.c.warned.is_(None), table.c.warned < mark)
        async with self._database.begin() as connection:
            done = await connection.execute(update(table).where(table.c.id == id, new).values(warned=mark))
        return done.rowcount > 0

    async def abandoned(self, connectors: Collection[str]) -> AsyncGenerator[str]:
        """Connections whose refresh a dead process left unfinished; each is held while it is yielded."""
        left = table.c.refresh_started_at.is_not(None) & working()
        query = select(table.c.id).where(left, table.c.connector.in_(connectors))
        async with self._database.connect() as connection:
            ids = (await connection.scalars(query)).all()
        for id in ids:
            async with self._database.attempt(f"token-{id}") as free:
                if free and await self._still(query.where(table.c.id == id)):
                    yield id

    async def _still(self, query: Select[Any]) -> bool:
        async with self._database.connect() as connection:
            return (await connection.execute(query)).first() is not None

    def sealed_token(self, id: str, token: Mapping[str, Any]) -> str:
        """A token sealed for its column. Raises Misconfigured without a sealing key."""
        return self._vault.seal(json.dumps(dict(token)).encode(), **_cell(id))

    def _alone(self, id: str) -> AbstractAsyncContextManager[None]:
        return nullcontext() if sabotaged("token_lock") else self._database.exclusive(f"token-{id}")


def _cell(id: str) -> dict[str, str]:
    return {"table": "connection", "row": id, "column": "token"}
