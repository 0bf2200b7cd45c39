"""SmartThings, measured: what polling ten thousand devices costs, and observations stored a second.

The vendor is simulated in a process of its own and does not count; a PostgreSQL server's work counts.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter

import structlog
from sqlalchemy import func, select

from benchmarks import cpu
from benchmarks.crowd import EVERY, FIRST
from benchmarks.figures import Figure, at_least, at_most
from benchmarks.ledger import urls
from wattledger.cli.collector import clients
from wattledger.collect import Collector, Pace
from wattledger.config import load_settings
from wattledger.connectors import parse
from wattledger.connectors.base import Connection
from wattledger.connectors.dispatch import Receipt
from wattledger.connectors.smartthings import SmartThings
from wattledger.connectors.smartthings.auth import Grants
from wattledger.connectors.smartthings.fetch import NAME, Memory
from wattledger.model import Payload
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.sources.dispatch import StoreDispatch
from wattledger.store.tables import observation

ACCOUNTS, DEVICES = 100, 100
ROUNDS = 3
CORES = 2
PERIOD = EVERY.total_seconds()
GOAL = 5000
AT_ONCE = 4
"""pages that are delivered at the same time, as connections are collected side by side"""


@dataclass
class Marks:
    """A clock that stands on marks of five minutes."""

    present: datetime = FIRST

    def now(self) -> datetime:
        return self.present

    def monotonic(self) -> float:
        return monotonic()

    def turn(self) -> None:
        """Go to the next mark."""
        self.present += EVERY


@dataclass(frozen=True, slots=True)
class Cost:
    """What one round over all devices took, seconds of wall clock and of processors."""

    wall: float
    processor: float


class Keeping(StoreDispatch):
    """The store's Dispatch, which also keeps what it was given."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.payloads, store.connections, [NAME])
        self.kept: list[Payload] = []

    async def deliver(self, connection: Connection, payload: Payload) -> Receipt:
        """Archive and read, and keep."""
        self.kept.append(payload)
        return await super().deliver(connection, payload)


@contextmanager
def crowd(accounts: int, devices: int) -> Iterator[list[tuple[str, str]]]:
    """Addresses and tokens of simulated accounts."""
    words = [sys.executable, "-m", "benchmarks.crowd", str(accounts), str(devices)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        yield [(url, token) for url, token in json.loads(process.stdout.readline())]
    finally:
        process.stdin.close()
        process.wait(30)


def measure() -> list[Figure]:
    """Polling and storing on both engines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures: list[Figure] = []
    with crowd(ACCOUNTS, DEVICES) as accounts, urls() as databases:
        for engine, url in databases.items():
            with TemporaryDirectory(prefix="wattledger-bench-") as folder:
                costs, kept = asyncio.run(_poll(url, Path(folder), accounts))
            figures += _polling(engine, costs)
            figures += _storing(engine, kept)
    return figures


def _polling(engine: str, costs: list[Cost]) -> list[Figure]:
    devices = ACCOUNTS * DEVICES
    seconds = [cost.processor for cost in costs]
    return [
        at_most(f"{engine}: {devices:,} devices polled, wall clock", [c.wall for c in costs], "s", PERIOD),
        at_most(
            f"{engine}: share of {CORES} cores, {devices:,} devices every five minutes",
            [100 * s / (PERIOD * CORES) for s in seconds],
            "%",
            50,
        ),
        at_least(
            f"{engine}: devices that one core carries", [devices * PERIOD / s for s in seconds], "devices"
        ),
    ]


def _storing(engine: str, kept: list[Payload]) -> list[Figure]:
    with urls() as databases, TemporaryDirectory(prefix="wattledger-bench-") as folder:
        rates = asyncio.run(_store(databases[engine], Path(folder), kept))
    return [at_least(f"{engine}: observations stored", rates, "observations/s", GOAL)]


async def _poll(url: str, folder: Path, accounts: list[tuple[str, str]]) -> tuple[list[Cost], list[Payload]]:
    """The costs of rounds after a first one, which makes the usage points, and all that was said."""
    clock = Marks()
    store = await open_store(url, data=folder, parse=parse, vault=Vault({"a": bytes(32)}), clock=clock)
    try:
        await _connect(store, accounts, clock.now())
        dispatch = Keeping(store)
        collector = Collector(
            dispatch, lambda _: _connector(clock), clock, clients(load_settings(None, {})), Pace()
        )
        await _round(store, collector)
        costs = []
        for _ in range(ROUNDS):
            clock.turn()
            costs.append(await _round(store, collector))
        return costs, dispatch.kept
    finally:
        await store.close()


async def _connect(store: Store, accounts: list[tuple[str, str]], now: datetime) -> None:
    site = await store.sites.default()
    for url, token in accounts:
        secrets = {"token": token, "set_at": now.isoformat()}
        await store.connections.create(site.id, NAME, {"base_url": url}, secrets)


async def _round(store: Store, collector: Collector) -> Cost:
    processor, wall = await cpu.used(store), perf_counter()
    asked = await collector.once()
    cost = Cost(perf_counter() - wall, await cpu.used(store) - processor)
    states = {row.state for row in await store.connections.list(None)}
    if (asked, states) != (ACCOUNTS, {"ok"}):
        raise RuntimeError(f"a round went wrong: {asked} accounts asked, {states}")
    return cost


async def _store(url: str, folder: Path, kept: list[Payload]) -> list[float]:
    """Rows of observations a second (each with several values), pages of a hundred devices."""
    store = await open_store(url, data=folder, parse=parse, vault=Vault({}))
    try:
        site = (await store.sites.default()).id
        rates = []
        for start in range(0, len(kept), ACCOUNTS):
            before, began = await _count(store), perf_counter()
            gate = asyncio.Semaphore(AT_ONCE)
            await asyncio.gather(*(_deliver(store, site, p, gate) for p in kept[start : start + ACCOUNTS]))
            took = perf_counter() - began
            rates.append((await _count(store) - before) / took)
        return rates[1:]
    finally:
        await store.close()


async def _deliver(store: Store, site: str, payload: Payload, gate: asyncio.Semaphore) -> None:
    async with gate:
        await store.payloads.deliver(site, payload)


async def _count(store: Store) -> int:
    async with store.connect() as connection:
        return await connection.scalar(select(func.count()).select_from(observation)) or 0


def _connector(clock: Marks) -> SmartThings:
    """The connector by the clock of the measurement; it remembers places as a hub does."""
    found = _Ours()
    type(found).grant = Grants(clock)
    return found


class _Ours(SmartThings):
    memory = Memory()
