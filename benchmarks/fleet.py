"""Smartcar, measured: what polling ten thousand cars on the half-hour costs, each an account of its own.

A thousand are really polled, by batches of v2, and what they cost is taken ten times. The vendor is
simulated in a process of its own and does not count; a PostgreSQL server's work does.
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
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import IO

import structlog
from sqlalchemy import func, select

from benchmarks import cpu
from benchmarks.figures import Figure, at_least, at_most
from benchmarks.fleet_vendor import FIRST, UNLIMITED, Told
from benchmarks.ledger import urls
from wattledger.cli.collector import clients
from wattledger.collect import Collector, Pace
from wattledger.config import load_settings
from wattledger.connectors import parse
from wattledger.connectors.base import App, Token
from wattledger.connectors.smartcar import Smartcar
from wattledger.connectors.smartcar.auth import Grants
from wattledger.connectors.smartcar.fetch import Memory
from wattledger.connectors.smartcar.parse import VEHICLES
from wattledger.model import Payload, Source
from wattledger.secrets import Vault
from wattledger.simulators.driving_week import HOME, ZONE
from wattledger.store import Store, open_store
from wattledger.store.people.sites import Home
from wattledger.store.sources.dispatch import StoreDispatch, stored_token
from wattledger.store.tables import observation

NAME = "smartcar"
POLLED, FLEET = 1_000, 10_000
ROUNDS = 3
CORES = 2
EVERY = timedelta(minutes=30)
LIFE = timedelta(hours=2)
GOAL_PER_CENT = 50


@dataclass(frozen=True, slots=True)
class Cost:
    """What one round over all cars took, seconds of wall clock and of processors."""

    wall: float
    processor: float


@dataclass
class Crowd:
    """The vendor's process: its address, its cars with their tokens, and its clock."""

    url: str
    cars: list[tuple[str, str, str]]
    tell: IO[str]
    told: IO[str]

    def turn(self, clock: Told) -> None:
        """Both go to the next half-hour."""
        clock.present += EVERY
        self.tell.write(f"{clock.present.isoformat()}\n")
        self.tell.flush()
        self.told.readline()


@contextmanager
def crowd(cars: int) -> Iterator[Crowd]:
    """So many cars, each of an owner of its own."""
    words = [sys.executable, "-m", "benchmarks.fleet_vendor", str(cars)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        url, found = json.loads(process.stdout.readline())
        yield Crowd(url, found, process.stdin, process.stdout)
    finally:
        process.stdin.close()
        process.wait(30)


def measure() -> list[Figure]:
    """Polling on both engines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures: list[Figure] = []
    with urls() as databases:
        for engine, url in databases.items():
            with crowd(POLLED) as vendor, TemporaryDirectory(prefix="wattledger-bench-") as folder:
                figures += _figures(engine, asyncio.run(_poll(url, Path(folder), vendor)))
    return figures


def _figures(engine: str, costs: list[Cost]) -> list[Figure]:
    period, scale = EVERY.total_seconds(), FLEET / POLLED
    shares = [100 * c.processor * scale / (period * CORES) for c in costs]
    carried = [POLLED * period / c.processor for c in costs]
    walls = [c.wall * scale for c in costs]
    return [
        at_most(
            f"{engine}: share of {CORES} cores, {FLEET:,} cars each half-hour", shares, "%", GOAL_PER_CENT
        ),
        at_most(f"{engine}: a round of {FLEET:,} cars, wall clock", walls, "s", period),
        at_least(f"{engine}: cars that one core carries", carried, "cars", FLEET),
    ]


async def _poll(url: str, folder: Path, vendor: Crowd) -> list[Cost]:
    """The costs of rounds after a first one, which also asks for lists and names."""
    clock = Told()
    vault = Vault({"a": bytes(32)})
    store = await open_store(url, data=folder, parse=parse, vault=vault, clock=clock)
    try:
        await _connect(store, vendor)
        app = App(secrets={"client_id": "x", "client_secret": "y", "redirect_uri": "z"})
        dispatch = StoreDispatch(
            store.payloads, store.connections, [NAME], vehicles=store.vehicles, apps={NAME: app}
        )
        connector = _connector(clock)
        collector = Collector(dispatch, lambda _: connector, clock, clients(load_settings(None, {})), Pace())
        costs = []
        for _ in range(1 + ROUNDS):
            costs.append(await _round(store, collector))
            vendor.turn(clock)
        return costs[1:]
    finally:
        await store.close()


async def _connect(store: Store, vendor: Crowd) -> None:
    site = (await store.sites.default()).id
    await store.sites.set_home(site, Home(HOME.latitude, HOME.longitude))
    ids = [id for id, _, _ in vendor.cars]
    names = {id: {"make": "TESLA", "model": "Model 3", "year": 2021} for id in ids}
    headers = {"timezone": ZONE, "names": json.dumps(names)}
    body = json.dumps({"vehicles": ids}).encode()
    await store.payloads.deliver(
        site, Payload(NAME, Source.POLL, body, FIRST, VEHICLES, "application/json", headers)
    )
    options: dict[str, object] = {"api": "v2", "mode": "live", "timezone": ZONE, "base_url": vendor.url}
    options["monthly_calls"] = UNLIMITED
    for id, access, refresh in vendor.cars:
        token = stored_token(Token(access, FIRST + LIFE, refresh))
        row = await store.connections.create(site, NAME, options, {"api": "v2"}, token=token)
        await store.vehicles.link(row.id, site, None, [id])


async def _round(store: Store, collector: Collector) -> Cost:
    before = await _observed(store)
    processor, wall = await cpu.used(store), perf_counter()
    asked = await collector.once()
    cost = Cost(perf_counter() - wall, await cpu.used(store) - processor)
    states = {row.state for row in await store.connections.list(None)}
    said = await _observed(store) - before
    if (asked, states, said >= POLLED) != (POLLED, {"ok"}, True):
        raise RuntimeError(f"a round went wrong: {asked} accounts asked, {states}, {said} observations")
    return cost


async def _observed(store: Store) -> int:
    async with store.connect() as connection:
        return await connection.scalar(select(func.count()).select_from(observation)) or 0


def _connector(clock: Told) -> Smartcar:
    """The connector by the clock of the measurement, with a memory of its own."""
    found = _Ours()
    type(found).grant = Grants(clock)
    return found


class _Ours(Smartcar):
    memory = Memory()
