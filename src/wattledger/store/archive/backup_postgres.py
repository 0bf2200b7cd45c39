"""A PostgreSQL home as files, all of one moment, and back into an empty database: one transaction each way.

Tables go as binary COPY in the order of their references; the schema's version goes along, so that an older
backup is loaded into the tables of its time and brought up to date then.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Integer, text
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import BadPayload, Refused
from wattledger.faults import sabotaged
from wattledger.store.database import Database, driver
from wattledger.store.ledger.digest import digest_on
from wattledger.store.migrate import build, stored_version
from wattledger.store.tables import body, metadata

TABLES = "tables"
_NAME = re.compile(r"[a-z0-9_]{1,60}")
_PATIENT = "SET LOCAL statement_timeout=0; SET LOCAL idle_in_transaction_session_timeout=0"


@dataclass(frozen=True, slots=True)
class Dump:
    """What was written: the manifest's part of it, and the digests of bodies in the object store."""

    manifest: dict[str, Any]
    large: list[str]


async def dump(database: Database, folder: Path) -> Dump:
    """Write every table into `folder`, as one moment saw them all."""
    (folder / TABLES).mkdir()
    async with _snapshot(database) as connection:
        tables = [await _out(connection, table.name, folder) for table in metadata.sorted_tables]
        large = await connection.scalars(_LARGE)
        manifest = {
            "engine": "postgresql",
            "schema": await stored_version(connection),
            "digest": await digest_on(connection),
            "tables": tables,
        }
        return Dump(manifest, list(large))


_LARGE = body.select().with_only_columns(body.c.sha256).where(body.c.data.is_(None)).order_by(body.c.sha256)


@asynccontextmanager
async def _snapshot(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.connect() as connection:
        if not sabotaged("one_snapshot"):
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        await _patiently(connection)
        yield connection


async def _patiently(connection: AsyncConnection) -> None:
    for statement in _PATIENT.split(";"):
        await connection.execute(text(statement))


async def _out(connection: AsyncConnection, table: str, folder: Path) -> dict[str, Any]:
    named = await connection.execute(text(f'SELECT * FROM "{table}" LIMIT 0'))  # noqa: S608 - our own names
    columns, rows = list(named.keys()), 0
    raw = await driver(connection)
    async with raw.cursor() as cursor:
        async with cursor.copy(f"COPY {_of(table, columns)} TO STDOUT (FORMAT BINARY)") as copy:
            with (folder / TABLES / table).open("wb") as file:
                async for block in copy:
                    file.write(block)
        rows = cursor.rowcount
    return {"name": table, "columns": columns, "rows": rows}


def _of(table: str, columns: list[str]) -> str:
    names = [table, *columns]
    if not all(_NAME.fullmatch(name) for name in names):
        raise BadPayload("The backup names a table or column that no Wattledger has.")
    listed = ", ".join(f'"{name}"' for name in columns)
    return f'"{table}" ({listed})'


async def load(database: Database, folder: Path, manifest: dict[str, Any]) -> None:
    """Make the tables of the backup's time, fill them, bring them up to date: all or nothing.

    Raises Refused where the database holds tables of ours already.
    """
    async with database.begin() as connection:
        if await stored_version(connection) is not None:
            raise Refused("The database holds a home already; restore into an empty one.", "EXISTS")
        await _patiently(connection)
        await build(connection, manifest["schema"])
        for table in manifest["tables"]:
            await _in(connection, table, folder)
        await build(connection, "head")


async def _in(connection: AsyncConnection, table: dict[str, Any], folder: Path) -> None:
    path = folder / TABLES / table["name"]
    try:
        rows = await _fill(connection, _of(table["name"], table["columns"]), path)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        reason = str(error).splitlines()[0]
        raise BadPayload(f"The backup is damaged: {table['name']} does not fit ({reason}).") from error
    if rows != table["rows"]:
        raise BadPayload(f"The backup is damaged: {table['name']} had {table['rows']} rows, {rows} came.")
    await _count_on(connection, table["name"])


async def _fill(connection: AsyncConnection, table: str, path: Path) -> int:
    raw = await driver(connection)
    async with raw.cursor() as cursor:
        async with cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    await copy.write(block)
        rows: int = cursor.rowcount
        return rows


async def _count_on(connection: AsyncConnection, table: str) -> None:
    """The next number of a table that counts its rows comes after the greatest."""
    for column in metadata.tables[table].primary_key if table in metadata.tables else ():
        if isinstance(column.type, Integer) and column.autoincrement is True:
            statement = (
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column.name}'), max(\"{column.name}\"))"  # noqa: S608
                f' FROM "{table}" HAVING max("{column.name}") IS NOT NULL'
            )
            await connection.execute(text(statement))


async def clear(database: Database) -> None:
    """Take away what `load` made."""
    async with database.begin() as connection:
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
        await connection.execute(text(f"DROP TABLE IF EXISTS {names}, alembic_version CASCADE"))
