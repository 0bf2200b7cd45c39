"""A night of Texas: a share of its eight million meters through relay and hub into PostgreSQL.

The night comes once, again (nothing may change), and with 2 % of the meters revised; then the fleet reports.
Cost is processor time of hub, server and this process (relay, and the simulated utility with it). Store-only
runs of several sizes show how cost grows with the work.
"""

from __future__ import annotations

import asyncio
import math
import os
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import LiteralString

import psycopg
from tests import postgres_server
from tests.postgres_server import Server

from benchmarks import cpu, ledger, road, store
from benchmarks.figures import Figure, at_least, at_most
from benchmarks.workers import LONG, TWICE, asked
from wattledger.relay.service import Relay
from wattledger.simulators.fleet import Fleet
from wattledger.simulators.home import Home
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.simulators.smt_files import file_name, zipped

TEXAS = 8_000_000
"""meters that Smart Meter Texas reads"""
DAY = date(2026, 1, 15)
SLOTS = 96
ARCHIVED: LiteralString = "SELECT sum(stored) FROM body"
SIZES = (0.25, 0.5, 1, 2, 5)
"""store-only runs, as multiples of the share"""
STEEPEST = 1.05
WINDOW = 100
"""files that lie at the utility at a time: bounds the disk"""


@dataclass
class Meters:
    """Seconds on the wall and of processors, from one moment to the next."""

    to: road.Hub
    server: str
    wall: float = 0.0
    used: float = 0.0
    marks: list[tuple[float, float]] = field(default_factory=list)

    def begin(self) -> None:
        """Start counting."""
        self.marks = [(perf_counter(), self._used())]

    def end(self) -> tuple[float, float]:
        """(wall, processor) seconds since `begin`."""
        wall, used = self.marks[0]
        return perf_counter() - wall, self._used() - used

    def _used(self) -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = time.process_time() + children.ru_utime + children.ru_stime
        with psycopg.connect(self.server) as connection:
            pids = [pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity")]
        return own + cpu.of(self.to.pid) + sum(map(cpu.of, pids))


def measure(share: float = 0.001) -> list[Figure]:
    """All of it; needs a PostgreSQL server."""
    meters = round(TEXAS * share)
    server = postgres_server.start(ledger.DURABLE)
    try:
        load = os.getloadavg()[0]
        with TemporaryDirectory(prefix="wattledger-texas-") as folder:
            figures = asyncio.run(_night(Path(folder), server, Fleet(meters)))
        figures += asyncio.run(_sizes(server, meters))
    finally:
        server.stop()
    return [*figures, at_most("texas: load of the machine before", [load], "")]


async def _night(folder: Path, server: Server, fleet: Fleet) -> list[Figure]:
    server.run("CREATE DATABASE texas")
    url, name = server.database("texas"), f"texas, {fleet.meters:,} meters"
    figures: list[Figure] = []
    with road.hub(folder, DATABASE_URL=url) as to:
        count, words, archived = Meters(to, server.url), [], []
        homes = [Home(fleet.esiid(0))]
        async with SmtSimulator(folder / "utility", homes) as vendor, road.relay(folder, vendor, to) as runs:
            for step, corrected in (("once", False), ("again", False), ("2 % revised", True)):
                wall, used = await _delivered(vendor, runs, count, fleet, corrected)
                figures += _pace(f"{name}, {step}", fleet.meters * SLOTS, wall, used)
                words.append(asked(to, "digest")[0]["digest"])
                archived.append(_weight(url, ARCHIVED))
        if words[0] != words[1] or words[1] == words[2]:
            raise RuntimeError(f"the ledger is not what it should be after each night: {words}")
        figures.append(at_most(f"{name}: hub, greatest memory", [_greatest(to.pid)], "MB"))
        figures += _weights(url, name, fleet.meters)  # before the replay, whose old rows wait for a vacuum
        figures += _reports(to, name)
    return [*figures, *_all_of_texas(figures, archived[0], TEXAS / fleet.meters)]


def _all_of_texas(figures: Sequence[Figure], archived: float, times: float) -> list[Figure]:
    """What a night of the whole state takes, and a year of such nights: multiplied, not measured."""
    value = {figure.what.partition(" meters")[2]: figure.value for figure in figures}
    energy = value[": energy tables"] * SLOTS * TEXAS
    name = f"texas, all {TEXAS:,} meters, multiplied"
    return [
        at_most(f"{name}: processor a night", [value[", once: processor"] * times / 3600], "core-hours"),
        at_most(f"{name}: energy tables of a year", [energy * 365 / 1e12], "TB"),
        at_most(f"{name}: archive of a year", [archived * times * 365 / 1e12], "TB"),
    ]


async def _delivered(
    vendor: SmtSimulator, runs: Relay, count: Meters, fleet: Fleet, corrected: bool
) -> tuple[float, float]:
    """(wall, processor) seconds of the relay's and hub's work; making the files is not counted."""
    wall = used = 0.0
    for some in _windows(fleet, corrected):
        for serial, body in some:
            name = file_name(vendor.clock.now(), f"{serial:032d}")
            vendor.sftp.put(f"{name}.{vendor.duns}.asc", vendor.pgp.encrypt(zipped({name: body})))
        count.begin()
        await road.emptied(runs)
        took = count.end()
        wall, used = wall + took[0], used + took[1]
        for path in vendor.sftp.folder().iterdir():
            path.unlink()
    return wall, used


def _windows(fleet: Fleet, corrected: bool) -> Iterator[list[tuple[int, bytes]]]:
    some: list[tuple[int, bytes]] = []
    for one in fleet.night(DAY, corrected):
        some.append((one.serial, one.body))
        if len(some) == WINDOW:
            yield some
            some = []
    if some:
        yield some


def _pace(name: str, readings: int, wall: float, used: float) -> list[Figure]:
    return [
        at_most(f"{name}: wall clock", [wall], "s"),
        at_most(f"{name}: processor", [used], "s"),
        at_least(f"{name}: readings/s", [readings / wall], "readings/s"),
    ]


def _reports(to: road.Hub, name: str) -> list[Figure]:
    figures, before = [], asked(to, "digest")[0]["digest"]
    for verb in ("digest", "totals", "gaps", "replay"):
        _, alone, used = asked(to, verb, "--workers", "1")
        _, both, _ = asked(to, verb, "--workers", "2")
        what = f"{name}: fleet {verb}"
        figures += [
            at_most(f"{what}: wall clock, 1 process", [alone], "s"),
            at_most(f"{what}: wall clock, 2 processes", [both], "s"),
            at_most(f"{what}: processor, without the server", [used], "s"),
        ]
    figures.append(
        at_least(f"{what}: 2 processes / 1", [alone / both], "times", TWICE if alone > LONG else None)
    )
    if asked(to, "digest")[0]["digest"] != before:
        raise RuntimeError("the fleet's replay changed the ledger")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [*figures, at_most(f"{name}: fleet, greatest memory of a process", [peak], "MB")]


def _weights(url: str, name: str, meters: int) -> list[Figure]:
    tables = "SELECT pg_total_relation_size('energy_day') + pg_total_relation_size('energy_superseded')"
    archive, whole = _weight(url, ARCHIVED), _weight(url, "SELECT pg_database_size(current_database())")
    return [
        at_most(f"{name}: energy tables", [_weight(url, tables) / meters / SLOTS], "bytes/reading"),
        at_most(f"{name}: archive of three nights", [archive / 1e6], "MB"),
        at_most(f"{name}: database as a whole", [whole / 1e6], "MB"),
    ]


def _weight(url: str, query: LiteralString) -> float:
    """Bytes, by a query."""
    with psycopg.connect(url) as connection:
        return float((connection.execute(query).fetchone() or (0,))[0] or 0)


def _greatest(pid: int) -> float:
    """MB of a process's greatest resident size."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


async def _sizes(server: Server, meters: int) -> list[Figure]:
    """Store-only runs; the exponent is the slope of log cost over log work."""
    points = []
    for n, multiple in enumerate(SIZES):
        size = max(200, round(meters * multiple))
        turns = 3 if size < 5_000 else 1
        samples = [await _store_only(server, f"{n}_{turn}", size) for turn in range(turns)]
        points.append((size * SLOTS, median(samples)))
    name = "texas, store only"
    figures = [at_most(f"{name}, {w // SLOTS:,} meters: processor", [cost], "s") for w, cost in points]
    return [*figures, at_most(f"{name}, exponent: cost over work", [exponent(points)], "", STEEPEST)]


async def _store_only(server: Server, name: str, meters: int) -> float:
    """Processor seconds, ours and the server's, of a night and its corrections in an empty database."""
    server.run(f"CREATE DATABASE sized_{name}")
    with TemporaryDirectory(prefix="wattledger-texas-") as folder:
        opened = await store.opened(server.database(f"sized_{name}"), Path(folder))
        try:
            site, used, fleet = (await opened.sites.default()).id, 0.0, Fleet(meters)
            for corrected in (False, True):
                for one in fleet.night(DAY, corrected):
                    before = await cpu.used(opened)
                    await opened.payloads.deliver(site, store.payload(one.body))
                    used += await cpu.used(opened) - before
        finally:
            await opened.close()
    server.run(f"DROP DATABASE sized_{name} WITH (FORCE)")
    return used


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of log(cost) over log(work), by least squares."""
    x, y = [math.log(work) for work, _ in points], [math.log(cost) for _, cost in points]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    across = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return across / sum((a - middle_x) ** 2 for a in x)
