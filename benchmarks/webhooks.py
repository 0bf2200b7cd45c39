"""Webhooks, measured: events taken in a second, each committed before it is answered, while they are read.

Many senders call at once, as a vendor does; the reader runs beside them as it does in a hub. First the store
alone, then a whole hub over HTTP, with signed events of Smartcar's; its senders are a process of their own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import structlog

from benchmarks import callers, cpu
from benchmarks.figures import Figure, at_least, at_most
from benchmarks.ledger import urls
from benchmarks.road import hub
from wattledger import connectors
from wattledger.clock import token
from wattledger.config import load_settings
from wattledger.model import Observation, Parsed, Payload, PointKind, Source, UsagePoint
from wattledger.secrets import Vault, load_vault
from wattledger.store import Store, open_store

Values = dict[str, str | float | int | bool | None]
EVENTS, CARS, SENDERS = 3000, 500, 64
RUNS = 3
GOAL = 500
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BODY = (
    b'{"eventId":"%d","eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"%d"}},"pad":"'
    + b"x" * 1200
    + b'"}'
)


def measure() -> list[Figure]:
    """Intake and reading on both engines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures: list[Figure] = []
    with urls() as databases:
        for engine, url in databases.items():
            with TemporaryDirectory(prefix="wattledger-bench-") as folder:
                figures += asyncio.run(_engine(engine, url, Path(folder)))
    return figures + _over_http()


def _over_http() -> list[Figure]:
    """A hub process on SQLite, called over loopback."""
    key = token()
    with TemporaryDirectory(prefix="wattledger-bench-") as name:
        folder = Path(name)
        asyncio.run(_with_cars(folder / "hub"))
        with hub(folder, SMARTCAR_MANAGEMENT_TOKEN=key) as called:
            port = called.url.rstrip("/").rpartition(":")[2]
            runs = [_called(called.pid, port, key, number) for number in range(RUNS + 1)][1:]
    rates, longest, carried = zip(*runs, strict=True)
    return [
        at_least("hub over HTTP: webhooks committed and answered while reading goes on", rates, "/s", GOAL),
        at_most(f"hub over HTTP: longest answer to one of {SENDERS} senders", longest, "ms"),
        at_least("hub over HTTP: webhooks that one core takes in and reads", carried, "/s"),
    ]


def _called(pid: int, port: str, key: str, number: int) -> tuple[float, float, float]:
    """Answers a second, the longest in ms, and events by second of the hub's processor time."""
    about = map(str, (CARS, number * EVENTS, EVENTS, SENDERS))
    words = [sys.executable, "-m", "benchmarks.callers", port, key, *about]
    before = cpu.of(pid)
    done = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return EVENTS / done["seconds"], 1000 * done["longest"], EVENTS / (cpu.of(pid) - before)


async def _with_cars(data: Path) -> None:
    """A home whose owner connected cars."""
    data.mkdir()
    vault = load_vault(load_settings(data, {}), create=True)
    url = f"sqlite:///{data / 'wattledger.db'}"
    store = await open_store(url, data=data, parse=connectors.parse, vault=vault)
    try:
        site, ids = (await store.sites.default()).id, [callers.car(number) for number in range(CARS)]
        options = {"api": "v3", "mode": "live", "user_id": "u"}
        row = await store.connections.create(site, "smartcar", options, {})
        named = [{"id": id, "make": "TESLA", "model": "Model 3", "year": 2020} for id in ids]
        body = json.dumps({"vehicles": named}).encode()
        await store.payloads.deliver(site, Payload("smartcar", Source.POLL, body, FIRST, "vehicles.json"))
        assert len(await store.vehicles.link(row.id, site, None, ids)) == CARS
    finally:
        await store.close()


async def _engine(engine: str, url: str, folder: Path) -> list[Figure]:
    store = await open_store(url, data=folder, parse=_parse, vault=Vault({"a": bytes(32)}))
    try:
        site = (await store.sites.default()).id
        await _run(store, site, 0)
        runs = [await _run(store, site, number) for number in range(1, RUNS + 1)]
    finally:
        await store.close()
    intake, read, latency, cores = zip(*runs, strict=True)
    return [
        at_least(f"{engine}: webhooks committed and answered while reading goes on", intake, "/s", GOAL),
        at_least(f"{engine}: webhooks taken in and read, to the last", read, "/s", GOAL),
        at_most(f"{engine}: longest answer to one of {SENDERS} senders", latency, "ms"),
        at_most(f"{engine}: processors meanwhile", cores, "cores"),
    ]


async def _run(store: Store, site: str, number: int) -> tuple[float, float, float, float]:
    """Events a second taken in, and also read; the longest answer in ms; processors busy."""
    events = iter(range(number * EVENTS, (number + 1) * EVENTS))
    took: list[float] = []
    done = asyncio.Event()

    async def send() -> None:
        for event in events:
            began = perf_counter()
            receipt = await store.payloads.receive(site, _event(event), str(event))
            took.append(perf_counter() - began)
            assert not receipt.duplicate

    processor, began = await cpu.used(store), perf_counter()
    reading = asyncio.create_task(_read(store, done))
    await asyncio.gather(*(send() for _ in range(SENDERS)))
    taken = perf_counter() - began
    done.set()
    store.payloads.waiting.set()
    assert await reading == EVENTS
    whole = perf_counter() - began
    busy = await cpu.used(store) - processor
    return EVENTS / taken, EVENTS / whole, 1000 * max(took), busy / whole


async def _read(store: Store, done: asyncio.Event) -> int:
    """What a hub does beside: read what waits. Returns how much that was."""
    total = 0
    while True:
        store.payloads.waiting.clear()
        last = done.is_set()
        count = await store.payloads.read_orphans(200)
        total += count
        if last and not count:
            return total
        if not count:
            await store.payloads.waiting.wait()


def _event(number: int) -> Payload:
    body = BODY % (number, number % CARS)
    when = FIRST + timedelta(seconds=number)
    payload = Payload("bench", Source.WEBHOOK, body, when, "webhook.json", "application/json", private=True)
    return replace(payload, headers={"event": str(number)})


def _parse(payload: Payload) -> Parsed:
    """One observation of one car, with its place."""
    number = int(payload.headers["event"])
    car = UsagePoint(PointKind.VEHICLE, f"car-{number % CARS}", "Car", "America/Chicago")
    values: Values = {"soc_pct": number % 100, "charging_state": "CHARGING", "odometer_km": float(number)}
    place = {"latitude": 30.0 + number % 100 / 1000, "longitude": -97.0}
    return Parsed([car], observations=[Observation(0, payload.received_at, values, place)], kind="status")
