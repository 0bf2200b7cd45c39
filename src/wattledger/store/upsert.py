"""INSERT that bears a row which is already there, in the words of either engine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_new(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert unless a row of that key exists. Returns whether it did."""
    made = await connection.execute(_if_new(connection.dialect.name, table), dict(values))
    return made.one_or_none() is not None


async def insert_or_update(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert, or overwrite the other columns of the row with the same primary key."""
    key = [column.name for column in table.primary_key]
    others = {name: value for name, value in values.items() if name not in key}
    statement = (
        _insert(connection.dialect.name, table)
        .values(values)
        .on_conflict_do_update(index_elements=key, set_=others)
    )
    await connection.execute(statement)


@cache
def _if_new(engine: str, table: Table) -> Any:
    """Built once: building a statement takes longer than running it."""
    return _insert(engine, table).on_conflict_do_nothing().returning(*table.primary_key)


def _insert(engine: str, table: Table) -> Any:
    return (postgresql if engine == "postgresql" else sqlite).insert(table)
