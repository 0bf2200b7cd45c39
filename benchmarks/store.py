"""The store, measured: from a file's bytes to committed, bytes per reading, queries, memory.

Nothing is printed here. A file holds 200 meters; figures include hashing and archiving.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import text
from tests.payloads.smt import big

from wattledger.connectors import parse
from wattledger.model import Flow, Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.ledger.days import read_blocks

RECEIVED = datetime(2026, 6, 1, tzinfo=UTC)
METERS, DAYS = 200, 65
ORIGINALS_TABLE = (
    'CREATE TABLE "SmtInterval" (esiid text, meter text, ts timestamptz, kwh numeric(12, 4),'
    " source text, created_at timestamptz, PRIMARY KEY (esiid, meter, ts))"
)
ONE_INSERT = 'INSERT INTO "SmtInterval" VALUES (%s, %s, %s, %s, %s, %s)'


@dataclass(frozen=True, slots=True)
class Ingest:
    """Files delivered one after the other into an empty ledger."""

    engine: str
    readings: int
    file_bytes: int
    seconds: tuple[float, ...]
    """one per file"""
    bytes_per_reading: float
    """of the energy tables and their indexes alone"""
    archive_bytes: int

    @property
    def per_second(self) -> tuple[float, ...]:
        """Readings per second, file by file."""
        return tuple(self.readings / s for s in self.seconds)


@dataclass(frozen=True, slots=True)
class Queries:
    """Seconds of one query in the driver's thread, many times."""

    meter_day: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """The greatest resident size of a process that took in so many readings."""

    readings: int
    peak_bytes: int
    seconds: float


def a_file(number: int = 0, meters: int = METERS, days: int = DAYS) -> bytes:
    """A canonical SMT file; another number means other meters and the same energy."""
    return of_others(big(meters, days), number)


def of_others(body: bytes, number: int) -> bytes:
    """The same file for other meters (at most a thousand times)."""
    return body.replace(b"'1044372000", b"'1044372%03d" % number)


def payload(body: bytes) -> Payload:
    """The file as a relay delivers it."""
    return Payload("smart_meter_texas", Source.RELAY, body, RECEIVED, "bench.csv", "text/csv")


async def opened(url: str, folder: Path) -> Store:
    """A store with the real parser."""
    return await open_store(url, data=folder, parse=parse, vault=Vault({}))


async def ingest(url: str, folder: Path, files: list[bytes]) -> Ingest:
    """Deliver the files and weigh the tables. The database should be empty."""
    store = await opened(url, folder)
    try:
        site, seconds, readings = (await store.sites.default()).id, [], 0
        for body in files:
            begun = perf_counter()
            receipt = await store.payloads.deliver(site, payload(body))
            seconds.append(perf_counter() - begun)
            readings = receipt.summary.accepted
        weight, archive = await energy_bytes(store), await _archive_bytes(store)
        total = readings * len(files)
        engine = "PostgreSQL" if store.database.is_postgres else "SQLite"
        return Ingest(engine, readings, len(files[0]), tuple(seconds), weight / total, archive)
    finally:
        await store.close()


async def energy_bytes(store: Store) -> int:
    """Of the energy tables and their indexes alone."""
    async with store.connect() as connection:
        if store.database.is_postgres:
            sizes = (
                "SELECT pg_total_relation_size('energy_day') + pg_total_relation_size('energy_superseded')"
            )
            return int(await connection.scalar(text(sizes)) or 0)
        return await _page_bytes(connection)


async def _page_bytes(connection: Any) -> int:
    """Bytes of the pages that SQLite's energy tables and indexes hold, counted by a copy of them alone."""
    import sqlite3

    path = (await connection.exec_driver_sql("PRAGMA database_list")).first()[2]
    with TemporaryDirectory() as scratch:
        copy = Path(scratch) / "energy.db"
        with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
            source.backup(target)
            names = target.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            target.execute("PRAGMA foreign_keys = OFF")
            others = [n for (n,) in names if not n.startswith(("energy_", "sqlite_"))]
            before = _used(target)
            for name in others:
                target.execute(f'DROP TABLE "{name}"')
            target.commit()
            return min(before, _used(target))


def _used(database: Any) -> int:
    count, free, size = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((count - free) * size)


async def _archive_bytes(store: Store) -> int:
    async with store.connect() as connection:
        return int(await connection.scalar(text("SELECT sum(stored) FROM body")) or 0)


async def queries(url: str, folder: Path, rounds: int = 300) -> Queries:
    """Time a meter's day where the driver works, without the event loop's hops."""
    store = await opened(url, folder)
    try:
        point = (await store.points.list())[0]
        known = await store.energy.coverage(point, Flow.DELIVERED)
        assert known.first_day
        first = (known.first_day - date(1970, 1, 1)).days
        run = _on_postgres if store.database.is_postgres else _on_sqlite
        assert await read_blocks(store.database, point.n, Flow.DELIVERED, first, first, point.timezone)
        return Queries(await asyncio.to_thread(run, url, point.n, first, rounds))
    finally:
        await store.close()


_DAY = 'SELECT "values", flags, total_wh FROM energy_day WHERE day = {0} AND usage_point = {0} AND flow = 1'


def _on_sqlite(url: str, point: int, first: int, rounds: int) -> tuple[float, ...]:
    import sqlite3

    with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
        return _timed(lambda day: raw.execute(_DAY.format("?"), (day, point)).fetchone(), first, rounds)


def _on_postgres(url: str, point: int, first: int, rounds: int) -> tuple[float, ...]:
    import psycopg

    with psycopg.connect(url) as raw, raw.cursor(binary=True) as cursor:
        statement = _DAY.format("%s")
        return _timed(lambda day: cursor.execute(statement, (day, point)).fetchone(), first, rounds)


def _timed(query: Callable[[int], Any], first: int, rounds: int) -> tuple[float, ...]:
    seconds = []
    for i in range(rounds):
        begun = perf_counter()
        assert query(first + i % DAYS)
        seconds.append(perf_counter() - begun)
    return tuple(seconds)


def originals_way(url: str, rows: int = 5000) -> float:
    """Readings per second of one execute per row on PostgreSQL, as the originals do it."""
    import psycopg

    with psycopg.connect(url) as raw:
        raw.execute(ORIGINALS_TABLE)
        raw.commit()
        begun = perf_counter()
        for i in range(rows):
            when = datetime.fromtimestamp(1_700_000_000 + 900 * i, UTC)
            raw.execute(ONE_INSERT, ("10443720000000001", "M1", when, "0.123", "smt", RECEIVED))
            raw.commit()
        return rows / (perf_counter() - begun)


def peak_memory(url: str, folder: Path, files: int = 40) -> Memory:
    """Take in `files` files in a child of its own. 40 files are 50 million readings."""
    body = big(METERS, DAYS)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _measured_child(writing, lambda: _take_in(url, folder, body, files))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        readings, seconds, peak = pipe.read().split()
    os.waitpid(child, 0)
    return Memory(int(readings), int(peak), float(seconds))


def _measured_child(pipe: int, work: Callable[[], Awaitable[int]]) -> None:
    status = 1
    try:
        begun = perf_counter()
        readings = asyncio.run(_awaited(work))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        os.write(pipe, f"{readings} {perf_counter() - begun} {peak}".encode())
        status = 0
    except BaseException as error:
        sys.stderr.write(f"{error!r}\n")
    finally:
        os._exit(status)


async def _awaited(work: Callable[[], Awaitable[int]]) -> int:
    return await work()


async def _take_in(url: str, folder: Path, body: bytes, files: int) -> int:
    store = await opened(url, folder)
    site, readings = (await store.sites.default()).id, 0
    for number in range(files):
        receipt = await store.payloads.deliver(site, payload(of_others(body, number)))
        readings += receipt.summary.accepted
    await store.close()
    return readings
