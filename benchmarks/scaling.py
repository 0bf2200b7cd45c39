"""What another process brings: hubs over one PostgreSQL; `workers` has the fleet's.

The senders are a process of their own (`python -m benchmarks.scaling PORTS FIRST COUNT SENDERS`), on the same
cores as hubs and server. Throughput can grow until these are full, which the figures of cores show.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests import postgres_server
from tests.postgres_server import Server

from benchmarks import callers, cpu, ledger, road, workers
from benchmarks.figures import Figure, at_least, at_most
from wattledger.clock import token
from wattledger.keyfile import make_key
from wattledger.simulators.home import Home
from wattledger.simulators.smt_files import interval_csv

HUBS = (1, 2, 3)
FILES, SENDERS, TURNS = 1200, 24, 3
Running = tuple[list[int], list[int], dict[str, str]]
FULL = 0.9
"""of the cores: from there on another hub has nothing to run on"""


def measure(*, full: bool) -> list[Figure]:
    """Hubs, and with `full` the fleet's workers too; needs a PostgreSQL server of our own."""
    server = postgres_server.start(ledger.DURABLE)
    try:
        load = at_most("scaling: load of the machine before", [os.getloadavg()[0]], "")
        return [*_hubs(server), *(workers.measure(server) if full else []), load]
    finally:
        server.stop()


def _hubs(server: Server) -> list[Figure]:
    """Files a second and cores, turn by turn of 1, 2 and 3 hubs, so that a slow moment meets all."""
    runs: dict[int, list[tuple[float, float]]] = {count: [] for count in HUBS}
    first = 0
    for turn in range(TURNS):
        for count in HUBS:
            with _running(server, count, f"scaling_{turn}_{count}") as (ports, pids, secrets):
                _sent(ports, secrets, first, FILES // 4)
                runs[count].append(_paced(server, ports, pids, secrets, first + FILES // 4))
            first += 2 * FILES
    figures = []
    for count, told in runs.items():
        rates, cores = zip(*told, strict=True)
        name = f"{count} hub{'s' if count > 1 else ''} on PostgreSQL"
        figures.append(at_least(f"{name}: files of a meter's day committed and read", rates, "files/s"))
        figures.append(at_least(f"{name}: cores used, with server and senders", cores, "cores"))
    return [*figures, *_gains(runs)]


def _gains(runs: dict[int, list[tuple[float, float]]]) -> Iterator[Figure]:
    """Each further hub must bring something, as long as cores are free."""
    most = len(os.sched_getaffinity(0))
    for fewer, more in pairwise(HUBS):
        gains = [after[0] / before[0] for before, after in zip(runs[fewer], runs[more], strict=True)]
        free = median(cores for _, cores in runs[fewer]) < FULL * most
        yield at_least(f"{more} hubs / {fewer}: files/s", gains, "times", 1.05 if free else None)


@contextmanager
def _running(
    server: Server, count: int, database: str
) -> Iterator[tuple[list[int], list[int], dict[str, str]]]:
    """(ports, process ids, secrets) of so many hubs over one new database."""
    server.run(f"CREATE DATABASE {database}")
    secrets = {"ADMIN_TOKEN": token(), "INTELLIWATT_WEBHOOK_SECRET": token(), "WATTLEDGER_KEYS": make_key()}
    with ExitStack() as stack:
        hubs = []
        for _ in range(count):
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="wattledger-bench-")))
            hubs.append(
                stack.enter_context(road.hub(folder, DATABASE_URL=server.database(database), **secrets))
            )
        yield [int(hub.url.rpartition(":")[2]) for hub in hubs], [hub.pid for hub in hubs], secrets
    server.run(f"DROP DATABASE {database} WITH (FORCE)")


def _paced(
    server: Server, ports: list[int], pids: list[int], secrets: dict[str, str], first: int
) -> tuple[float, float]:
    """(files a second, cores) of one run."""
    watched = [*pids, *([server.process.pid] if server.process else [])]
    before = sum(map(cpu.family, watched))
    told = _sent(ports, secrets, first, FILES)
    used = sum(map(cpu.family, watched)) - before + told["processor"]
    return FILES / told["seconds"], used / told["seconds"]


def _sent(ports: list[int], secrets: dict[str, str], first: int, count: int) -> dict[str, float]:
    words = [",".join(map(str, ports)), *map(str, (first, count, SENDERS))]
    call = [sys.executable, "-m", "benchmarks.scaling", *words]
    done = subprocess.run(call, env={**os.environ, **secrets}, check=True, capture_output=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _request(number: int) -> bytes:
    """One meter's day, as a relay delivers it."""
    home = Home(esiid=f"1044372{number:010d}", seed=number % 100)
    text = base64.b64encode(interval_csv(home, home.days(date(2025, 6, 1), 1))).decode()
    body = json.dumps({"filename": f"{number}.csv", "encoding": "base64", "content_b64": text}).encode()
    secrets = {"x-admin-token": "ADMIN_TOKEN", "x-intelliwatt-secret": "INTELLIWATT_WEBHOOK_SECRET"}
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Host": "127.0.0.1"}
    fields |= {header: os.environ[name] for header, name in secrets.items()}
    lines = ["POST /api/admin/smt/pull HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode() + body


def main() -> None:
    """Send, then print how long it took."""
    ports = [int(port) for port in sys.argv[1].split(",")]
    first, count, senders = map(int, sys.argv[2:])
    calls = [_request(number) for number in range(first, first + count)]
    before = os.times()
    told = asyncio.run(callers.send(ports, calls, senders))
    after = os.times()
    print(json.dumps({**told, "processor": after.user + after.system - before.user - before.system}))


if __name__ == "__main__":
    main()
