"""Our own store on both engines: files in as a relay delivers them, answers by the product's questions."""

from __future__ import annotations

import asyncio
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text
from tests.postgres_server import Server

from benchmarks import store as weights
from benchmarks.peers import postgres
from benchmarks.peers.protocol import Peer, Values, size_of
from benchmarks.peers.readings import Batch, Span
from wattledger import localday
from wattledger.model import Flow
from wattledger.store import Store, UsagePointRow

_SAME = (
    "Files of CSV go in: parsing, hashing and archiving are timed too. A file that came before is known by"
    " its hash; in brackets the same readings in other bytes. The bytes hold the archive of every file; in"
    " brackets those of the energy tables."
)


class Ours(Peer):
    """The ledger in SQLite."""

    name = "wattledger, SQLite"
    how = f"WAL, `synchronous=FULL`: on disk before the answer. {_SAME}"

    def start(self, folder: Path) -> str:
        self._folder, self._points = folder, dict[int, UsagePointRow]()
        self._loop = asyncio.Runner()
        self._store: Store | None = None
        self._store = self._loop.run(weights.opened(self._address(), folder / "data"))
        self._site = self._loop.run(self._store.sites.default()).id
        return f"{version('wattledger')}, SQLite {sqlite3.sqlite_version}"

    def stop(self) -> None:
        if self._store:
            self._loop.run(self._store.close())
        self._loop.close()

    def prepare(self, batch: Batch) -> bytes:
        return batch.csv()

    def repacked(self, prepared: Any) -> bytes:
        return bytes(prepared) + b"\n"

    def ingest(self, prepared: Any) -> None:
        receipt = self._loop.run(self._open.payloads.deliver(self._site, weights.payload(prepared)))
        if receipt.state != "read" or receipt.summary.rejected:
            raise RuntimeError(f"The store did not read it: {receipt.state}, {receipt.reason}.")

    def readings(self, meter: int, span: Span) -> Values:
        return self._loop.run(self._readings(meter, span))

    async def _readings(self, meter: int, span: Span) -> Values:
        point, (first, last) = await self._point(meter), map(localday.number, span)
        blocks = await self._open.energy.days(point.id, Flow.DELIVERED, first, last)
        return np.concatenate([block.values for block in blocks]).astype(np.int64)

    def sums(self, span: Span) -> dict[int, int]:
        return self._loop.run(self._sums(span))

    async def _sums(self, span: Span) -> dict[int, int]:
        found, energy = {}, self._open.energy
        end = localday.day(localday.number(span.last) + 1)
        for point in await self._open.points.list():
            months = await energy.series(point, Flow.DELIVERED, span.first, end, "month")
            found[int(point.external_id)] = sum(month.wh or 0 for month in months)
        return found

    def weigh(self) -> int:
        with sqlite3.connect(self._folder / "ledger.db") as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return size_of(self._folder)

    def core(self) -> int:
        return self._loop.run(weights.energy_bytes(self._open))

    @property
    def _open(self) -> Store:
        assert self._store
        return self._store

    def _address(self) -> str:
        return f"sqlite:///{self._folder / 'ledger.db'}"

    async def _point(self, meter: int) -> UsagePointRow:
        if meter not in self._points:
            self._points = {int(p.external_id): p for p in await self._open.points.list()}
        return self._points[meter]


class OursOnPostgres(Ours):
    """The ledger in PostgreSQL."""

    name = "wattledger, PostgreSQL"
    how = f"The server's own defaults: on disk before the answer. {_SAME}"

    def start(self, folder: Path) -> str:
        self._store = None
        self._server: Server | None = None
        self._server = postgres.server()
        super().start(folder)
        return f"{version('wattledger')}, {postgres.version(self._server.url)}"

    def stop(self) -> None:
        if self._server:
            super().stop()
            self._server.stop()

    def weigh(self) -> int:
        return size_of(self._folder) + self._loop.run(self._tables())

    async def _tables(self) -> int:
        async with self._open.connect() as connection:
            return int(await connection.scalar(text(postgres.WEIGHT)) or 0)

    def _address(self) -> str:
        assert self._server
        return self._server.url
