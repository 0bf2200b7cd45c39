"""What a second worker of `wattledger fleet` brings."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.postgres_server import Server

from benchmarks import cpu, road, store
from benchmarks.figures import Figure, at_least, at_most

METERS_FILES, DAYS, TURNS = 80, 65, 3
VERBS = ("replay", "totals", "gaps", "digest")
TWICE, LONG = 1.7, 20
"""what two processes must gain on work of so many seconds; less is mostly starting"""


def measure(server: Server) -> list[Figure]:
    """Two workers against one, verb by verb, on a ledger that keeps one of them busy for long."""
    server.run("CREATE DATABASE scaling_fleet")
    figures = []
    with TemporaryDirectory(prefix="wattledger-bench-") as folder:
        data, url = Path(folder), server.database("scaling_fleet")
        asyncio.run(_filled(url, data))
        env = {"PATH": os.environ["PATH"], "HOME": folder, "WATTLEDGER_DATA": folder, "DATABASE_URL": url}
        for verb in VERBS:
            figures += _compared(server, road.Hub("", env, 0), verb)
    return figures


async def _filled(url: str, data: Path) -> None:
    """Files of 200 meters and 65 days each."""
    opened = await store.opened(url, data)
    try:
        site, body = (await opened.sites.default()).id, store.a_file(days=DAYS)
        for number in range(METERS_FILES):
            await opened.payloads.deliver(site, store.payload(store.of_others(body, number)))
    finally:
        await opened.close()


def asked(to: road.Hub, verb: str, *words: str) -> tuple[dict[str, object], float, float]:
    """What `wattledger fleet` says, with its wall clock and processor seconds."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = subprocess.run(
        road.wattledger("fleet", verb, "--json", *words), env=dict(to.env), capture_output=True, check=True
    )
    wall, after = perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout), wall, used


def _compared(server: Server, to: road.Hub, verb: str) -> list[Figure]:
    """Wall clocks with one worker and two, in turn, and their ratio; a goal where one takes long enough."""
    alone, both, cores = [], [], []
    for _ in range(TURNS):
        alone.append(asked(to, verb, "--workers", "1")[1])
        before, begun = _server(server), perf_counter()
        _, wall, used = asked(to, verb, "--workers", "2")
        both.append(wall)
        cores.append((used + _server(server) - before) / (perf_counter() - begun))
    name = f"fleet {verb}, {METERS_FILES * 200:,} meters x {DAYS} days"
    ratios = [one / two for one, two in zip(alone, both, strict=True)]
    return [
        at_most(f"{name}: 1 worker", alone, "s"),
        at_most(f"{name}: 2 workers", both, "s"),
        at_least(f"{name}: cores used by 2, with the server", cores, "cores"),
        at_least(f"{name}: 2 workers / 1", ratios, "times", TWICE if median(alone) > LONG else None),
    ]


def _server(server: Server) -> float:
    return cpu.family(server.process.pid) if server.process else 0.0
