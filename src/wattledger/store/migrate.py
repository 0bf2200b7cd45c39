"""Brings a database to the newest schema: under a lock, in one transaction, repeated after a crash."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import Misconfigured
from wattledger.faults import fault
from wattledger.store.database import Database, advisory_key
from wattledger.store.migrations import HEAD

OLDEST_POSTGRES = (15,)
_FOLDER = Path(__file__).parent / "migrations"


async def migrate(database: Database) -> bool:
    """Upgrade where needed; whether anything was done. Raises Misconfigured for a schema newer than ours."""
    async with database.connect() as connection:
        _refuse_old(connection)
        if await stored_version(connection) == HEAD:
            return False
    async with database.begin() as connection:
        if database.is_postgres:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": advisory_key("migrate")}
            )
        if await stored_version(connection) == HEAD:
            return False
        await connection.run_sync(_upgrade)
        fault("hub.before_migration_commit")
    return True


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
