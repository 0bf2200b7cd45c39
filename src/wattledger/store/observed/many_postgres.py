"""Observations in and out of PostgreSQL: COPY for what is new, arrays for what is joined or replaced."""

# ruff: noqa: S608 - only our own table names are put into statements

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.store.database import driver
from wattledger.store.documents import text_of
from wattledger.store.observed.rows import COLUMNS, Key, Remembered, Row, Told, cells

_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)


class PostgresMany:
    """See `Many`."""

    async def said(
        self, connection: AsyncConnection, table: str, before: int, keys: Sequence[Key]
    ) -> dict[Key, list[Told]]:
        """A join with arrays of the keys."""
        found: dict[Key, list[Told]] = {}
        raw = await driver(connection)
        async with raw.cursor(binary=True) as cursor:
            await cursor.execute(
                'SELECT k.i - 1, o.payload, o."values", o.sealed FROM unnest(%b::int4[], %b::timestamptz[])'
                f" WITH ORDINALITY AS k(usage_point, at, i) JOIN {table} o USING (usage_point, at)"
                " WHERE o.payload < %b ORDER BY k.i, o.payload",
                ([number for number, _ in keys], [at for _, at in keys], before),
            )
            for index, *told in await cursor.fetchall():
                found.setdefault(keys[index], []).append(Told(*told))
        return found

    async def insert(self, connection: AsyncConnection, table: str, rows: Iterable[Row]) -> None:
        """One COPY."""
        raw = await driver(connection)
        async with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({_NAMES}) FROM STDIN") as copy:
            for row in rows:
                await copy.write_row(cells(row, row["at"]))

    async def remembered(self, connection: AsyncConnection, numbers: Sequence[int]) -> list[Remembered]:
        """One statement."""
        raw = await driver(connection)
        async with raw.cursor(binary=True) as cursor:
            await cursor.execute(
                "SELECT usage_point, payload, register, latest FROM point_state"
                " WHERE usage_point = ANY(%b::int4[])",
                (list(numbers),),
            )
            return [Remembered(*row) for row in await cursor.fetchall()]

    async def remember(self, connection: AsyncConnection, states: Sequence[Remembered]) -> None:
        """One upsert by arrays."""
        raw = await driver(connection)
        async with raw.cursor() as cursor:
            await cursor.execute(
                "INSERT INTO point_state (usage_point, payload, register, latest)"
                " SELECT n, payload, register::json, latest::json"
                " FROM unnest(%b::int4[], %b::int8[], %b::text[], %b::text[])"
                " AS s(n, payload, register, latest)"
                " ON CONFLICT (usage_point) DO UPDATE SET"
                " payload = excluded.payload, register = excluded.register, latest = excluded.latest",
                (
                    [s.usage_point for s in states],
                    [s.payload for s in states],
                    [text_of(s.register) for s in states],
                    [text_of(s.latest) for s in states],
                ),
            )

    async def link(self, connection: AsyncConnection, pairs: Sequence[tuple[int, int]]) -> None:
        """One statement."""
        raw = await driver(connection)
        async with raw.cursor() as cursor:
            await cursor.execute(
                "INSERT INTO payload_point (usage_point, payload)"
                " SELECT n, p FROM unnest(%b::int4[], %b::int8[]) AS s(n, p) ON CONFLICT DO NOTHING",
                ([n for n, _ in pairs], [payload for _, payload in pairs]),
            )
