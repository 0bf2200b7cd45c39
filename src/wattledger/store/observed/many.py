"""What the tables of observations ask of an engine: many rows in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.store.documents import text_of

Row = dict[str, Any]
"""a row of `observation`"""
Key = tuple[int, datetime]
"""usage point (`n`) and instant"""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A row of `point_state`."""

    usage_point: int
    payload: int
    register: Mapping[str, Any]
    latest: Mapping[str, Any]


class Told(NamedTuple):
    """What one payload said at one moment."""

    payload: int
    values: dict[str, Any]
    sealed: str | None


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


COLUMNS = ("usage_point", "at", "payload", "values", "day", "verdict", "booked_wh", "sealed")
"""of `observation`, in the order in which rows are written"""


def cells(row: Row, at: object) -> tuple[object, ...]:
    """The columns of a row; `at` is its instant as the engine's driver takes it."""
    return (
        row["usage_point"],
        at,
        row["payload"],
        text_of(row["values"]),
        row["day"],
        row.get("verdict"),
        row.get("booked_wh"),
        row.get("sealed"),
    )


def many(connection: AsyncConnection) -> Many:
    """That of the connection's engine."""
    if connection.dialect.name == "postgresql":
        from wattledger.store.observed.many_postgres import PostgresMany

        return PostgresMany()
    from wattledger.store.observed.many_sqlite import SqliteMany

    return SqliteMany()
