"""The database: one engine, write and read transactions, and what its errors mean.

begin()      a write transaction; on SQLite under the writer lock and BEGIN IMMEDIATE
connect()    reads only
transact()   a write transaction that is tried again when the database asks for it
exclusive()  a lock of that name across all processes, for work that spans transactions
attempt()    the same where it is free now; a lock is let go of when its process dies

A request (`hurried`) waits for connections and locks no longer than its caller listens, all together: on
PostgreSQL it is answered within two seconds. SQLite has one writer at a time, and some seconds behind one
who writes a large file are the usual course of things there; so it may take ten.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event, exc, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from wattledger import clock as chances
from wattledger.clock import Clock, SystemClock
from wattledger.errors import Misconfigured, TryLater
from wattledger.faults import sabotaged
from wattledger.store.documents import document_of, text_of
from wattledger.store.patience import hurry, now, patient, waited, waiting
from wattledger.store.sqlite_driver import Module
from wattledger.store.translate import lost_race, translated
from wattledger.store.writer_lock import FileLock

T = TypeVar("T")
TRIES = 3
PATIENCE_POSTGRES, PATIENCE_SQLITE = 1.75, 10.0
"""seconds that a request waits"""
LOCK, LOCK_HURRIED = 30.0, 1.25
"""seconds that a statement waits for PostgreSQL's locks; longer than the second after which it looks for a
deadlock, so that one is told from a lock that others hold"""
MOST, MOST_HURRIED = 20, 32
"""connections: a hub and two workers stay below PostgreSQL's usual hundred"""
BUSY, BUSY_HURRIED = 30.0, 5.0
"""seconds for another program that writes to an SQLite file: our own queue up before (`FileLock`)"""
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY * 1000:.0f}",
    "PRAGMA cache_size=-16000",
    "PRAGMA journal_size_limit=67108864",
)
_SESSION = "-c statement_timeout=600s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"

_CUT_OFF = {
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 45_000,
}
"""a server that can no longer be reached is an error within a minute, never a wait without end"""

_DOCUMENTS: dict[str, Any] = {"json_serializer": text_of, "json_deserializer": document_of}


class Database:
    """One database of either kind; all repositories share it."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        parsed = _driver_url(url)
        self.clock = clock or SystemClock()
        self.is_postgres = parsed.get_backend_name() == "postgresql"
        self.path = None if self.is_postgres else Path(str(parsed.database))
        self.patience = PATIENCE_POSTGRES if self.is_postgres else PATIENCE_SQLITE
        self.engine = _postgres(parsed, LOCK, MOST) if self.is_postgres else _sqlite(parsed)
        self._hurried = _postgres(parsed, LOCK_HURRIED, MOST_HURRIED) if self.is_postgres else self.engine
        self._writers = None if self.path is None else FileLock(Path(f"{self.path}.lock"), self.clock)
        self._locks: dict[str, FileLock] = {}

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction, committed at the end. Raises TryLater when the database does not answer."""
        with translated():
            async with self._write() as connection:
                yield connection

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A read transaction. Raises TryLater when the database does not answer."""
        with translated():
            async with self._connection() as connection:
                await self._hasten(connection)
                yield connection

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in a write transaction; deadlocks and lost races are tried again (three times)."""
        for attempt in range(TRIES + 1):
            try:
                with translated(races=attempt == TRIES):
                    async with self._write() as connection:
                        return await work(connection)
            except Exception as error:
                if attempt == TRIES or not lost_race(error):
                    raise
                await asyncio.sleep(0.01 * 2**attempt * (0.5 + chances.chance()))
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[None]:
        """Hold the lock of that name across all processes; waits until it is free.

        A request raises TryLater instead of waiting for long; what is done under the lock has time.
        """
        with translated():
            async with AsyncExitStack() as stack:
                async with waiting():
                    await stack.enter_async_context(self._exclusively(name))
                with patient():
                    yield

    @asynccontextmanager
    async def attempt(self, name: str) -> AsyncIterator[bool]:
        """Hold the lock of that name where nobody else does now. Never waits."""
        if self.path is not None:
            async with self._file_lock(name).attempt() as got:
                yield got
            return
        with translated():
            async with self._connection() as raw:
                connection = await raw.execution_options(isolation_level="AUTOCOMMIT")
                key = {"key": advisory_key(name)}
                got = bool(await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key))
                try:
                    yield got
                finally:
                    if got:
                        await connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)

    def _file_lock(self, name: str) -> FileLock:
        day = 24 * 3600
        return self._locks.setdefault(name, FileLock(Path(f"{self.path}.{name}.lock"), self.clock, day))

    def _exclusively(self, name: str) -> AbstractAsyncContextManager[None]:
        return self._advisory(name) if self.is_postgres else self._file_lock(name).held()

    @asynccontextmanager
    async def _advisory(self, name: str) -> AsyncIterator[None]:
        key = advisory_key(name)
        async with self._connection() as raw:
            connection = await raw.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("SET lock_timeout=0"))
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            try:
                yield
            finally:
                await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
                await connection.execute(text("RESET lock_timeout"))

    async def ping(self) -> None:
        """Raises TryLater when the database does not answer within five seconds."""
        try:
            async with asyncio.timeout(5), self.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except TimeoutError:
            raise TryLater("The database did not answer within five seconds.") from None

    async def not_durable(self) -> list[str]:
        """PostgreSQL's settings under which a power cut may take what was committed; none on SQLite."""
        if not self.is_postgres:
            return []
        query = text("SELECT name FROM pg_settings WHERE name = ANY(:names) AND setting = 'off'")
        names = {"names": ["fsync", "full_page_writes", "synchronous_commit"]}
        async with self.connect() as connection:
            return sorted(f"{name} = off" for name in await connection.scalars(query, names))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        await self._hurried.dispose()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncConnection]:
        """One connection for several transactions (see `writing`): temporary tables live that long."""
        with translated():
            async with self._connection() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """A write transaction on a connection of `session`."""
        with translated():
            async with self._held():
                await connection.rollback()
                await connection.execution_options(write=True)
                try:
                    async with connection.begin():
                        yield
                finally:
                    await connection.execution_options(write=False)

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        async with self._held(), self._connection() as connection:
            await connection.execution_options(write=True)
            async with connection.begin():
                await self._hasten(connection)
                yield connection

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if self._writers:
                async with waiting():
                    await stack.enter_async_context(self._writers.held())
            yield

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection; requests have their own, which wait for locks for a shorter time."""
        async with AsyncExitStack() as stack:
            async with waiting():
                engine = self._hurried if hurry() else self.engine
                connection = await stack.enter_async_context(engine.connect())
            begun = now()
            try:
                yield connection
            except Exception:
                waited(begun)  # so that what is tidied up, or tried again, does not wait as long once more
                raise

    async def _hasten(self, connection: AsyncConnection) -> None:
        """Where a request has waited before, less is left for locks than its connection allows."""
        found = hurry()
        if found and self.is_postgres and found.seconds < LOCK_HURRIED:
            await connection.execute(text(f"SET LOCAL lock_timeout = {found.seconds * 1000:.0f}"))


async def driver(connection: AsyncConnection) -> Any:
    """The driver's own connection (aiosqlite or psycopg), for bulk reads and writes."""
    return (await connection.get_raw_connection()).driver_connection


def advisory_key(name: str) -> int:
    """A PostgreSQL advisory lock's number for a name."""
    return int.from_bytes(hashlib.sha256(b"wattledger " + name.encode()).digest()[:8], "big", signed=True)


def _driver_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        raise Misconfigured("DATABASE_URL is no database address.") from None
    kind = parsed.drivername.split("+")[0]
    if kind in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and parsed.database:
        return parsed.set(drivername="sqlite+aiosqlite")
    raise Misconfigured("DATABASE_URL must begin with postgresql:// or sqlite:/// and name a database.")


def _postgres(url: URL, lock: float, most: int) -> AsyncEngine:
    session = f"{_SESSION} -c lock_timeout={lock * 1000:.0f}"
    return create_async_engine(
        url,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=most - 8,
        pool_timeout=30,
        **_DOCUMENTS,
        connect_args={"options": session, "connect_timeout": 10, **_CUT_OFF},
    )


def _sqlite(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url, module=Module(), pool_size=6, max_overflow=18, pool_timeout=30, **_DOCUMENTS
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        if sabotaged("commit_sync"):
            cursor.execute("PRAGMA synchronous=OFF")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        write = bool(connection.get_execution_options().get("write"))
        connection.connection.dbapi_connection.begin(write, BUSY_HURRIED if hurry() else BUSY)

    return engine
