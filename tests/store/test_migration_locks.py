"""A change of the schema while others use the tables: nobody waits for it for longer than two seconds."""

from __future__ import annotations

import asyncio
import importlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.store.test_upgrade import bring_back

from wattledger.errors import TryLater
from wattledger.faults import sabotage
from wattledger.store.database import Database
from wattledger.store.migrate import is_current, migrate

Record = Callable[[str, object], None]
LONGEST = 2.0
READ, WRITE = (
    "SELECT count(*) FROM site",
    "INSERT INTO heartbeat (name, line, at) VALUES ('r', '{}', now())"
    " ON CONFLICT (name) DO UPDATE SET at = now()",
)
pytestmark = pytest.mark.postgres


class Others:
    """Sessions that read and write all the time, as an older process does; how long each statement took."""

    def __init__(self, url: str) -> None:
        self._url, self._ended = url, threading.Event()
        self.took: list[float] = []
        self.failed: list[str] = []

    def _go_on(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._ended.wait(0.02):
                begun = time.monotonic()
                try:
                    connection.execute(statement)
                except psycopg.Error as error:
                    self.failed.append(str(error))
                self.took.append(time.monotonic() - begun)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._go_on, args=(words,)) for words in (READ, WRITE, READ)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()


@contextmanager
def long_select(url: str, seconds: float) -> Iterator[None]:
    """A report that has read a table, and keeps its transaction for a while."""

    def report() -> None:
        with psycopg.connect(url) as connection:
            connection.execute("SELECT * FROM usage_point")
            reading.set()
            time.sleep(seconds)

    reading = threading.Event()
    thread = threading.Thread(target=report)
    thread.start()
    reading.wait()
    try:
        yield
    finally:
        thread.join()


def _changed_beside(url: str, seconds: float) -> Others:
    asyncio.run(bring_back(url, "0002"))
    others = Others(url)
    with others.at_work():
        with long_select(url, seconds):
            begun = time.monotonic()
            assert asyncio.run(_migrate(url)) is True
            assert time.monotonic() - begun > seconds - 1
        time.sleep(0.2)
    return others


async def _migrate(url: str) -> bool:
    database = Database(url)
    try:
        return await migrate(database)
    finally:
        await database.close()


def test_nobody_waits_long_for_a_change_that_waits(empty_postgres_url: str, record_property: Record) -> None:
    others = _changed_beside(empty_postgres_url, 4.0)
    record_property("statements_beside", len(others.took))
    record_property("slowest_s", round(max(others.took), 2))
    assert others.failed == []
    assert max(others.took) < LONGEST


def test_sabotage_migration_patience_is_noticed(empty_postgres_url: str) -> None:
    with sabotage("migration_patience"):
        others = _changed_beside(empty_postgres_url, 4.0)
    assert max(others.took) > LONGEST


def test_tables_that_are_never_free_end_the_start(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(bring_back(empty_postgres_url, "0002"))
    migrating = importlib.import_module("wattledger.store.migrate")
    for name, seconds in (("GIVE_UP", 0.5), ("PATIENCE", 0.3), ("PAUSE", 0.1)):
        monkeypatch.setattr(migrating, name, seconds)
    with long_select(empty_postgres_url, 1.5), pytest.raises(TryLater, match="other sessions"):
        asyncio.run(_migrate(empty_postgres_url))
    assert asyncio.run(_migrate(empty_postgres_url)) is True
    assert asyncio.run(_current(empty_postgres_url))


def test_a_second_process_waits_longer_than_a_request_would(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for another's change is bound by no lock_timeout of the sessions of requests."""
    from wattledger.store import database

    monkeypatch.setattr(database, "_SESSION", "-c statement_timeout=300ms")
    monkeypatch.setattr(database, "LOCK", 0.2)
    key = database.advisory_key("migrate")
    with psycopg.connect(empty_postgres_url) as first:
        first.execute("SELECT pg_advisory_xact_lock(%s)", (key,))
        threading.Timer(1.0, first.rollback).start()
        assert asyncio.run(_migrate(empty_postgres_url)) is True


async def _current(url: str) -> bool:
    database = Database(url)
    try:
        return await is_current(database)
    finally:
        await database.close()
