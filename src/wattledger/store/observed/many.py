"""What the tables of observations ask of an engine: many rows in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.store.observed.many_postgres import PostgresMany
from wattledger.store.observed.many_sqlite import SqliteMany
from wattledger.store.observed.rows import Key, Remembered, Row, Told


class Many(Protocol):
    """Reads and writes rows of `observation` and its kin."""

    async def said(
        self, connection: AsyncConnection, table: str, before: int, keys: Sequence[Key]
    ) -> dict[Key, list[Told]]:
        """What payloads before this one said at these moments."""
        ...

    async def insert(self, connection: AsyncConnection, table: str, rows: Iterable[Row]) -> None:
        """Add observations."""
        ...

    async def remembered(self, connection: AsyncConnection, numbers: Sequence[int]) -> list[Remembered]:
        """What is remembered of these usage points."""
        ...

    async def remember(self, connection: AsyncConnection, states: Sequence[Remembered]) -> None:
        """Replace what is remembered."""
        ...

    async def link(self, connection: AsyncConnection, pairs: Sequence[tuple[int, int]]) -> None:
        """Note of which usage points payloads speak (`n`, payload); what is noted already stays."""
        ...


def many(connection: AsyncConnection) -> Many:
    """That of the connection's engine."""
    return PostgresMany() if connection.dialect.name == "postgresql" else SqliteMany()
