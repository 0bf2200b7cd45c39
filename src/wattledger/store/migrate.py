"""Brings a database to the newest schema: under a lock, in one transaction, repeated after a crash.

On PostgreSQL other processes may go on meanwhile. A change of a table waits for whoever reads it, and all who
come later wait for the change; so the tables are locked first, and where that takes longer than PATIENCE
everything is let go of, and tried again after a pause.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog
from sqlalchemy import Connection, exc, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import Misconfigured, TryLater
from wattledger.faults import fault, sabotaged
from wattledger.store.database import Database, advisory_key
from wattledger.store.migrations import HEAD

OLDEST_POSTGRES = (15,)
PATIENCE = 1.5
"""seconds that others may wait for the locks of a change; more than the second after which the server
stops an autovacuum that is in the way"""
PAUSE, GIVE_UP = 1.0, 600.0
"""seconds between two tries, and until the process ends with TryLater"""
_BESIDE = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
_FOLDER = Path(__file__).parent / "migrations"
log = structlog.get_logger("wattledger.store")


async def migrate(database: Database) -> bool:
    """Upgrade where needed; whether anything was done. Raises Misconfigured for a schema newer than ours."""
    async with database.connect() as connection:
        _refuse_old(connection)
        if await stored_version(connection) == HEAD:
            return False
    give_up = database.clock.monotonic() + GIVE_UP
    while True:
        try:
            return await _migrated(database)
        except _Occupied:
            if database.clock.monotonic() > give_up:
                raise
            log.warning(
                "schema_waits", message="another session has used the tables for a while; trying again"
            )
            await asyncio.sleep(PAUSE)


class _Occupied(TryLater):
    """Others use the tables."""


async def _migrated(database: Database) -> bool:
    async with database.begin() as connection:
        if database.is_postgres:
            await _alone(connection)
        if await stored_version(connection) == HEAD:
            return False
        if database.is_postgres and not sabotaged("migration_patience"):
            await _locked(connection)
        await connection.run_sync(_upgrade)
        fault("hub.before_migration_commit")
    return True


async def _alone(connection: AsyncConnection) -> None:
    """Wait, however long it takes, for any other process that changes the schema."""
    for name in _BESIDE:
        await connection.execute(text(f"SET LOCAL {name} = 0"))
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": advisory_key("migrate")})


async def _locked(connection: AsyncConnection) -> None:
    """Have all tables for this transaction. Raises _Occupied after PATIENCE, all locks together."""
    quoted = connection.dialect.identifier_preparer.quote
    names = await connection.run_sync(lambda c: inspect(c).get_table_names())
    if not names:
        return
    await connection.execute(text(f"SET LOCAL statement_timeout = {PATIENCE * 1000:.0f}"))
    try:
        await connection.execute(text(f"LOCK TABLE {', '.join(map(quoted, names))}"))
    except exc.OperationalError as error:
        raise _Occupied(
            "The schema could not be changed, since other sessions (a report, a backup) have used its tables "
            "all the time; nothing was changed. Start again when they have ended."
        ) from error
    await connection.execute(text("SET LOCAL statement_timeout = 0"))


async def is_current(database: Database) -> bool:
    """Whether the schema is the newest that we know. Raises TryLater when the database does not answer."""
    async with database.connect() as connection:
        return await stored_version(connection) == HEAD


def _refuse_old(connection: AsyncConnection) -> None:
    version = connection.dialect.server_version_info or OLDEST_POSTGRES
    if connection.dialect.name == "postgresql" and version < OLDEST_POSTGRES:
        raise Misconfigured(f"DATABASE_URL names PostgreSQL {version[0]}; version 15 or newer is needed.")


async def stored_version(connection: AsyncConnection) -> str | None:
    """The schema's version in the database; None where there is none."""
    exists = await connection.run_sync(lambda c: c.dialect.has_table(c, "alembic_version"))
    if not exists:
        return None
    found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


async def build(connection: AsyncConnection, version: str) -> None:
    """Bring the schema to a version within the caller's transaction. Raises Misconfigured."""
    await connection.run_sync(_upgrade, version)


def _upgrade(connection: Connection, version: str = "head") -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, version)
    except CommandError as error:
        raise Misconfigured(
            "The database was written by a newer Wattledger; install that version or restore a backup."
        ) from error
