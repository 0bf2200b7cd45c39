"""The schema's versions lead to exactly the tables that the store uses, on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, Text, create_engine, text

from wattledger.store import migrations
from wattledger.store.database import Database
from wattledger.store.migrations import HEAD
from wattledger.store.tables import metadata


def _other_default(_context: Any, _found: Any, column: Any, stored: str | None, *_rendered: Any) -> bool:
    """Whether a column's default is another one; the engines write casts and quotes of their own."""
    wanted = None if column.server_default is None else str(column.server_default.arg)
    if stored is None or stored.startswith("nextval("):
        return wanted is not None
    return stored.partition("::")[0].strip("()'") != wanted


def _differences(connection: Connection, wanted: MetaData) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": _other_default}
    found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), wanted)
    return found


async def _of(url: str, wanted: MetaData) -> list[Any]:
    database = Database(url)
    async with database.connect() as connection:
        found = await connection.run_sync(_differences, wanted)
    await database.close()
    return found


async def test_a_fresh_database_has_exactly_the_tables(database_url: str) -> None:
    assert await _of(database_url, metadata) == []


async def test_a_changed_table_without_a_version_is_noticed(database_url: str) -> None:
    wanted = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(wanted)
    wanted.tables["site"].append_column(Column("colour", Text, nullable=False))
    wanted.remove(wanted.tables["heartbeat"])
    kinds = [change[0] for change in await _of(database_url, wanted)]
    assert sorted(kinds) == ["add_column", "remove_table"]


def test_the_newest_version_is_the_one_that_is_asked_for() -> None:
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads() == [HEAD]


async def test_sqlite_keeps_its_own_forms_of_tables(sqlite_url: str) -> None:
    """What autogenerate does not compare: tables without row ids, and numbers that are never given again."""
    plain = create_engine("sqlite://")
    with plain.connect() as connection:
        metadata.create_all(connection)
        wanted = _forms(connection)
    database = Database(sqlite_url)
    async with database.connect() as found:
        forms = await found.run_sync(_forms)
    await database.close()
    assert {name: forms[name] for name in wanted} == wanted


def _forms(connection: Connection) -> dict[str, tuple[bool, bool]]:
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")
    rows = connection.execute(query).all()
    return {name: ("WITHOUT ROWID" in sql, "AUTOINCREMENT" in sql) for name, sql in rows}


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
async def test_the_first_version_guards_the_audit(database_url: str, statement: str) -> None:
    database = Database(database_url)
    columns = "at, actor, action, subject, previous, hash"
    row = f"INSERT INTO audit ({columns}) VALUES ('2025-01-01', 'a', 'b', 'c', '', 'h')"
    async with database.begin() as connection:
        await connection.execute(text(row))
    with pytest.raises(Exception, match="only ever added"):
        async with database.begin() as connection:
            await connection.execute(text(statement))
    await database.close()
