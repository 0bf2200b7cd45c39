"""INSERT that bears a row which is already there, in the words of either engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_new(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert unless a row of that key exists. Returns whether it did."""
    statement = _insert(connection, table).values(values).on_conflict_do_nothing()
    made = await connection.execute(statement.returning(*table.primary_key))
    return made.one_or_none() is not None


async def insert_or_update(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert, or overwrite the other columns of the row with the same primary key."""
    key = [column.name for column in table.primary_key]
    others = {name: value for name, value in values.items() if name not in key}
    statement = (
        _insert(connection, table).values(values).on_conflict_do_update(index_elements=key, set_=others)
    )
    await connection.execute(statement)


def _insert(connection: AsyncConnection, table: Table) -> Any:
    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    return kind.insert(table)
