"""Blocks in and out of PostgreSQL: binary COPY for what is new, arrays for what is joined or replaced."""

# ruff: noqa: S608 - only our own table names are put into statements

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.merge import Blocks, Losers
from wattledger.store.database import driver
from wattledger.store.ledger.blocks import Group, Keys, decode
from wattledger.store.ledger.bulk import COLUMNS, Target, columns, loser_columns

_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_TYPES = ("int4", "int4", "int2", "int8", "int2", "int2", "int2", "int8", "int8", *("bytea",) * 4)
_WIDTH = {"int2": ">i2", "int4": ">i4", "int8": ">i8"}
_ARRAYS = ", ".join(f"%b::{kind}[]" for kind in _TYPES)
_NEW_VALUES = ", ".join(f'"{name}" = excluded."{name}"' for name in COLUMNS[3:])
_HEADER = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
_TRAILER = b"\xff\xff"
_CHUNK = 5000


class PostgresBulk:
    """See `Bulk`. The caller holds the usage points' row locks, so nobody else writes their blocks."""

    async def existing(
        self, connection: AsyncConnection, target: Target, keys: Keys
    ) -> tuple[NDArray[np.intp], Blocks]:
        """Join through arrays of the keys."""
        raw = await driver(connection)
        async with raw.cursor(binary=True) as cursor:
            await cursor.execute(
                'SELECT k.i - 1, e.revision, e.payload, e."values", e.flags, e.revisions, e.payloads'
                " FROM unnest(%b::int4[], %b::int4[], %b::int2[])"
                " WITH ORDINALITY AS k(day, usage_point, flow, i)"
                f" JOIN {target.day} e USING (day, usage_point, flow) ORDER BY k.i",
                (keys.day.tolist(), keys.point.tolist(), keys.flow.tolist()),
            )
            found = await cursor.fetchall()
        return np.array([row[0] for row in found], np.intp), decode([row[1:] for row in found])

    async def insert(self, connection: AsyncConnection, target: Target, rows: Iterable[Group]) -> None:
        """One binary COPY."""
        raw = await driver(connection)
        statement = f"COPY {target.day} ({_NAMES}) FROM STDIN (FORMAT BINARY)"
        async with raw.cursor() as cursor, cursor.copy(statement) as copy:
            await copy.write(_HEADER)
            for group in rows:
                await copy.write(_copied(group))
            await copy.write(_TRAILER)

    async def replace(self, connection: AsyncConnection, target: Target, rows: Iterable[Group]) -> None:
        """Upserts by arrays, some thousand rows a statement."""
        statement = (
            f"INSERT INTO {target.day} ({_NAMES}) SELECT * FROM unnest({_ARRAYS})"
            f" ON CONFLICT (day, usage_point, flow) DO UPDATE SET {_NEW_VALUES}"
        )
        raw = await driver(connection)
        async with raw.cursor() as cursor:
            for group in rows:
                for part in _chunks(columns(group)):
                    await cursor.execute(statement, part)

    async def supersede(
        self, connection: AsyncConnection, target: Target, keys: Keys, losers: Losers
    ) -> None:
        """Rows that are there already stay as they are."""
        kinds = ("int4", "int2", "int4", "int2", "int8", "int2", "int4", "int8")
        arrays = ", ".join(f"%b::{kind}[]" for kind in kinds)
        raw = await driver(connection)
        async with raw.cursor() as cursor:
            for part in _chunks(loser_columns(keys, losers)):
                await cursor.execute(
                    f"INSERT INTO {target.superseded} SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
                    part,
                )


def _chunks(lists: list[list[object]]) -> Iterator[list[list[object]]]:
    for start in range(0, len(lists[0]), _CHUNK):
        yield [column[start : start + _CHUNK] for column in lists]


def _copied(group: Group) -> bytes:
    """The rows of a group in COPY's binary format: per row a field count, per field a length and bytes."""
    matrices = (group.values, group.flags, group.revisions, group.payloads)
    fields: list[tuple[Any, ...]] = [("count", ">i2")]
    for name, kind in zip(COLUMNS[:9], _TYPES[:9], strict=True):
        fields += [(f"{name}#", ">i4"), (name, _WIDTH[kind])]
    for name, matrix in zip(COLUMNS[9:], matrices, strict=True):
        fields.append((f"{name}#", ">i4"))
        if matrix is not None:
            fields.append((name, matrix.dtype, matrix.shape[1:]))
    rows = np.empty(len(group.keys), np.dtype(fields))
    rows["count"] = len(COLUMNS)
    keys = (group.keys.day, group.keys.point, group.keys.flow)
    counts = (group.total_wh, group.found, group.estimated, group.derived, group.revision, group.payload)
    for name, column in zip(COLUMNS[:9], (*keys, *counts), strict=True):
        rows[name], rows[f"{name}#"] = column, rows.dtype[name].itemsize
    for name, matrix in zip(COLUMNS[9:], matrices, strict=True):
        rows[f"{name}#"] = -1 if matrix is None else matrix.shape[1] * matrix.dtype.itemsize
        if matrix is not None:
            rows[name] = matrix
    return rows.tobytes()
