"""Blocks in and out of SQLite: executemany on the driver's own cursor, joins on the file's own keys."""

# ruff: noqa: S608 - only our own table names are put into statements

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.merge import Blocks, Losers
from wattledger.store.database import driver
from wattledger.store.ledger.blocks import Group, Keys, decode
from wattledger.store.ledger.bulk import COLUMNS, Target, columns, loser_columns

_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_MARKS = ", ".join("?" * len(COLUMNS))
_WANTED = (
    "CREATE TEMP TABLE IF NOT EXISTS wanted"
    " (n INTEGER PRIMARY KEY, day INTEGER, usage_point INTEGER, flow INTEGER)"
)


_FEW = 32


class SqliteBulk:
    """See `Bulk`."""

    async def existing(
        self, connection: AsyncConnection, target: Target, keys: Keys
    ) -> tuple[NDArray[np.intp], Blocks]:
        """Join with the keys: a few are part of the statement, more lie in a temporary table."""
        raw = await driver(connection)
        columns = (keys.day.tolist(), keys.point.tolist(), keys.flow.tolist())
        wanted = zip(range(len(keys)), *columns, strict=True)
        if len(keys) <= _FEW:
            source = f"(VALUES {', '.join(['(?, ?, ?, ?)'] * len(keys))})"
            named = f"(SELECT column1 n, column2 day, column3 usage_point, column4 flow FROM {source})"
            rows = await raw.execute_fetchall(_join(named, target), [*chain.from_iterable(wanted)])
            return _found(list(rows))
        await raw.execute(_WANTED)
        await raw.execute("DELETE FROM temp.wanted")
        await raw.executemany("INSERT INTO temp.wanted VALUES (?, ?, ?, ?)", wanted)
        return _found(list(await raw.execute_fetchall(_join("temp.wanted", target))))

    async def insert(self, connection: AsyncConnection, target: Target, rows: Iterable[Group]) -> None:
        """One executemany a group."""
        await _write(connection, f"INSERT INTO {target.day} ({_NAMES}) VALUES ({_MARKS})", rows)

    async def replace(self, connection: AsyncConnection, target: Target, rows: Iterable[Group]) -> None:
        """One executemany a group."""
        statement = f"INSERT OR REPLACE INTO {target.day} ({_NAMES}) VALUES ({_MARKS})"
        await _write(connection, statement, rows)

    async def supersede(
        self, connection: AsyncConnection, target: Target, keys: Keys, losers: Losers
    ) -> None:
        """Rows that are there already stay as they are."""
        raw = await driver(connection)
        statement = f"INSERT OR IGNORE INTO {target.superseded} VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        await raw.executemany(statement, list(zip(*loser_columns(keys, losers), strict=True)))


def _join(wanted: str, target: Target) -> str:
    return (
        'SELECT n, e.revision, e.payload, e."values", e.flags, e.revisions, e.payloads'
        f" FROM {wanted} w CROSS JOIN {target.day} e"
        " ON e.day = w.day AND e.usage_point = w.usage_point AND e.flow = w.flow ORDER BY n"
    )


def _found(rows: list[Any]) -> tuple[NDArray[np.intp], Blocks]:
    return np.array([row[0] for row in rows], np.intp), decode([row[1:] for row in rows])


async def _write(connection: AsyncConnection, statement: str, rows: Iterable[Group]) -> None:
    raw = await driver(connection)
    for group in rows:
        await raw.executemany(statement, list(zip(*columns(group), strict=True)))
