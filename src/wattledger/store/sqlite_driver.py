"""SQLite's driver with one visit to its thread a statement.

SQLAlchemy's own adapter makes, runs, reads and closes a cursor in a visit each, and rolls back what was
committed; a small transaction spends most of its time on the way there and back.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from typing import Any, NamedTuple

import aiosqlite
from sqlalchemy.dialects.sqlite import aiosqlite as adapter
from sqlalchemy.util import EMPTY_DICT
from sqlalchemy.util.concurrency import await_

from wattledger.faults import sabotaged


class _Outcome(NamedTuple):
    """What a statement came to, in the words of a cursor."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    arraysize: int = 1


class _Cursor(adapter.AsyncAdapt_aiosqlite_cursor):
    """Runs a statement, reads all of its rows and closes it in one visit."""

    __slots__ = ()

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._cursor: Any = _Outcome()
        self._soft_closed_memoized = EMPTY_DICT
        self._rows = deque()

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        await self._visit(_run, operation, parameters or ())

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        await self._visit(_run_many, operation, seq_of_parameters)

    async def _visit(self, run: Any, *words: Any) -> None:
        ours: Any = self._adapt_connection
        raw: Any = self._connection
        async with ours._execute_mutex:
            begin, ours.to_begin = ours.to_begin, False
            try:
                self._cursor, rows = await raw._execute(run, raw._conn, begin, *words)
            except asyncio.CancelledError:
                ours.abandoned = True
                raise
        self._rows = deque(rows)

    async def _async_soft_close(self) -> None:
        """It is closed already."""

    def close(self) -> None:
        self._rows.clear()


class _Connection(adapter.AsyncAdapt_aiosqlite_connection):
    """Begins to read with the first statement; rolls back what is open, and waits for no end of a read.

    A statement whose caller was cancelled runs on in the thread (`abandoned`) and may yet begin a
    transaction: whether one is open can only be asked behind it.
    """

    __slots__ = ("abandoned", "busy", "reading", "to_begin")
    _cursor_cls = _Cursor

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self.reading = self.to_begin = self.abandoned = False
        self.busy = 0.0

    def begin(self, write: bool, busy: float) -> None:
        """A write transaction at once, a read transaction from the first statement on.

        `busy`: the seconds that a write transaction waits for another program's.
        """
        self.reading = self.to_begin = not write
        if write:
            if busy != self.busy:
                self.execute(f"PRAGMA busy_timeout={busy * 1000:.0f}")
                self.busy = busy
            self.execute("BEGIN IMMEDIATE")

    def rollback(self) -> None:
        reading, self.reading, self.to_begin = self.reading, False, False
        raw: Any = self._connection
        abandoned, self.abandoned = self.abandoned and not sabotaged("abandoned_begin"), False
        if not raw._connection or not (abandoned or raw.in_transaction):
            return
        if abandoned or reading:
            raw._tx.put_nowait((None, raw._conn.rollback))
        else:
            super().rollback()


class Module(adapter.AsyncAdapt_aiosqlite_dbapi):
    """The driver as `create_async_engine(module=...)` takes it."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *words: Any, **options: Any) -> _Connection:
        """Open a connection, with its thread."""
        raw: Any = aiosqlite.connect(*words, **options)
        raw._thread.daemon = True
        return _Connection(self, await_(raw))


def _run(raw: sqlite3.Connection, begin: bool, operation: str, parameters: Any) -> tuple[_Outcome, list[Any]]:
    if begin:
        raw.execute("BEGIN")
    return _closed(raw.execute(operation, parameters))


def _run_many(raw: sqlite3.Connection, begin: bool, operation: str, rows: Any) -> tuple[_Outcome, list[Any]]:
    if begin:
        raw.execute("BEGIN")
    return _closed(raw.executemany(operation, rows))


def _closed(cursor: sqlite3.Cursor) -> tuple[_Outcome, list[Any]]:
    rows = cursor.fetchall() if cursor.description else []
    outcome = _Outcome(cursor.description, cursor.rowcount, cursor.lastrowid)
    cursor.close()
    return outcome, rows
