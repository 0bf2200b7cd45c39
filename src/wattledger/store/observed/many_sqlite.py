"""Observations in and out of SQLite: keys as one JSON parameter, rows by executemany on the driver itself."""

# ruff: noqa: S608 - only our own table names are put into statements

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.store.database import driver
from wattledger.store.documents import document_of, text_of
from wattledger.store.observed.rows import COLUMNS, Key, Remembered, Row, Told, cells

_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_MARKS = ", ".join("?" * len(COLUMNS))
_SAID = (
    'SELECT k.key, o.payload, o."values", o.sealed FROM json_each(?) k CROSS JOIN {} o'
    " ON o.usage_point = json_extract(k.value, '$[0]') AND o.at = json_extract(k.value, '$[1]')"
    " WHERE o.payload < ? ORDER BY k.key, o.payload"
)
_REMEMBERED = (
    "SELECT s.usage_point, s.payload, s.register, s.latest"
    " FROM json_each(?) k CROSS JOIN point_state s ON s.usage_point = k.value"
)


class SqliteMany:
    """See `Many`."""

    async def said(
        self, connection: AsyncConnection, table: str, before: int, keys: Sequence[Key]
    ) -> dict[Key, list[Told]]:
        """A join with the keys."""
        found: dict[Key, list[Told]] = {}
        wanted = text_of([(number, _instant(at)) for number, at in keys])
        raw = await driver(connection)
        for index, payload, values, sealed in await raw.execute_fetchall(
            _SAID.format(table), (wanted, before)
        ):
            found.setdefault(keys[index], []).append(Told(payload, document_of(values), sealed))
        return found

    async def insert(self, connection: AsyncConnection, table: str, rows: Iterable[Row]) -> None:
        """One executemany."""
        raw = await driver(connection)
        await raw.executemany(
            f"INSERT INTO {table} ({_NAMES}) VALUES ({_MARKS})",
            [cells(row, _instant(row["at"])) for row in rows],
        )

    async def remembered(self, connection: AsyncConnection, numbers: Sequence[int]) -> list[Remembered]:
        """A join with the numbers."""
        raw = await driver(connection)
        return [
            Remembered(number, payload, document_of(register), document_of(latest))
            for number, payload, register, latest in await raw.execute_fetchall(
                _REMEMBERED, (text_of(numbers),)
            )
        ]

    async def remember(self, connection: AsyncConnection, states: Sequence[Remembered]) -> None:
        """One executemany."""
        raw = await driver(connection)
        await raw.executemany(
            "INSERT OR REPLACE INTO point_state (usage_point, payload, register, latest) VALUES (?, ?, ?, ?)",
            [(s.usage_point, s.payload, text_of(s.register), text_of(s.latest)) for s in states],
        )

    async def link(self, connection: AsyncConnection, pairs: Sequence[tuple[int, int]]) -> None:
        """One statement."""
        raw = await driver(connection)
        await raw.execute_fetchall(
            "INSERT OR IGNORE INTO payload_point (usage_point, payload)"
            " SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)",
            (text_of(pairs),),
        )


def _instant(at: datetime) -> str:
    """As the column's type writes it."""
    return at.astimezone(UTC).isoformat(" ", "microseconds")[:26]
