"""The road as a whole on loopback: a hub in a process of its own, the relay here, and queries over HTTP."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx2

from benchmarks.figures import Figure, at_least, at_most
from wattledger.clock import token
from wattledger.config import Settings
from wattledger.relay.service import Relay
from wattledger.simulators.home import Home
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.simulators.smt_files import file_name, interval_csv, zipped

FIRST = date(2025, 1, 1)
YEAR = 365
RUNS = 3


@dataclass(frozen=True, slots=True)
class Hub:
    """A running hub process: where it is and its secrets."""

    url: str
    env: Mapping[str, str]
    pid: int

    def token(self) -> str:
        """A new API token."""
        for words in (("add", "bench@example.org"), ("token", "bench@example.org")):
            done = subprocess.run(
                wattledger("user", *words), env=self.env, capture_output=True, text=True, check=True
            )
        return done.stdout.split()[-1]


def wattledger(*words: str) -> list[str]:
    return [sys.executable, "-u", "-m", "wattledger", *words]


@contextmanager
def hub(folder: Path, **more: str) -> Iterator[Hub]:
    """A hub on SQLite in a process of its own; `more` are further variables."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "WATTLEDGER_DATA": str(folder / "hub"),
        "ADMIN_TOKEN": token(),
        "INTELLIWATT_WEBHOOK_SECRET": token(),
        "WATTLEDGER_LOG": "json",
        **more,
    }
    with (folder / "hub.log").open("w") as log:
        process = subprocess.Popen(
            wattledger("serve", "--port", "0"), env=env, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert process.stdout
            lines = iter(process.stdout.readline, "")
            url = next(found[1] for line in lines if (found := re.search(r"is at (http://\S+)", line)))
            yield Hub(url, env, process.pid)
        finally:
            process.terminate()
            process.wait(30)


@asynccontextmanager
async def relay(folder: Path, vendor: SmtSimulator, to: Hub) -> AsyncIterator[Relay]:
    """A relay that fetches from `vendor` and delivers to `to`; it runs only when asked."""
    secrets = {name: to.env[name] for name in ("ADMIN_TOKEN", "INTELLIWATT_WEBHOOK_SECRET")}
    own = {
        "INTELLIWATT_BASE_URL": to.url,
        "SMT_INBOX_DIR": str(folder / "inbox"),
        "WATTLEDGER_RELAY_PORT": "0",
    }
    variables = {"WATTLEDGER_DATA": str(folder / "relay"), **own, **secrets}
    settings = Settings.model_validate({**vendor.environment(folder / "keys"), **variables})
    async with Relay(settings, timer=False, say=lambda line: None) as running:
        yield running


def measure(files: int = 200, homes_a_file: int = 200) -> list[Figure]:
    """Files a second from the drop to the committed ledger; queries over HTTP."""
    with TemporaryDirectory(prefix="wattledger-bench-") as name:
        return asyncio.run(_measure(Path(name), files, homes_a_file))


async def _measure(folder: Path, files: int, homes_a_file: int) -> list[Figure]:
    homes = [Home(f"1044372{n:010d}", seed=n) for n in range(homes_a_file)]
    with hub(folder) as to:
        async with SmtSimulator(folder / "utility", homes) as vendor, relay(folder, vendor, to) as runs:
            small = [await _one_meter(vendor, runs, homes[0], files, start) for start in range(RUNS)]
            large = [await _many_meters(vendor, runs, homes, files // 10, start) for start in range(RUNS)]
            year = vendor.drop_file(homes[1], list(homes[1].days(FIRST, YEAR)))
            await emptied(runs)
            year.unlink()
        month, interval = await _queries(to, homes[1].esiid)
    rows = homes_a_file * 96
    return [
        at_least("road: files/s, PGP > ZIP > one meter and day", small, "files/s", 50),
        at_least(f"road: files/s, PGP > ZIP > {homes_a_file} meters and a day", large, "files/s"),
        at_least("road: readings/s of those", [rate * rows for rate in large], "readings/s"),
        at_most("HTTP: a year by month", month, "ms", 5),
        at_most("HTTP: a day by interval", interval, "ms"),
    ]


async def _one_meter(vendor: SmtSimulator, runs: Relay, home: Home, files: int, start: int) -> float:
    for day in home.days(date(2020 + start, 1, 1), files):
        vendor.drop_file(home, [day])
    return await _rate(runs, files)


async def _many_meters(vendor: SmtSimulator, runs: Relay, homes: list[Home], files: int, start: int) -> float:
    for n in range(files):
        parts = [interval_csv(home, home.days(date(2022 + start, 1, 1 + n % 28), 1)) for home in homes]
        body = parts[0] + b"".join(part.partition(b"\n")[2] for part in parts[1:])
        name = file_name(vendor.clock.now(), f"{n:032d}")
        vendor.sftp.put(f"{n}{start}{name}.{vendor.duns}.asc", vendor.pgp.encrypt(zipped({name: body})))
    return await _rate(runs, files)


async def _rate(runs: Relay, files: int) -> float:
    before = perf_counter()
    sent = await emptied(runs)
    took = perf_counter() - before
    if sent < files:
        raise RuntimeError(f"only {sent} of {files} files arrived")
    return files / took


async def emptied(runs: Relay) -> int:
    """Run cycles until nothing waits; how many receipts came."""
    sent = 0
    while not (line := await runs.run_once()).get("idle"):
        sent += int(line["sent"])
        if line["status"] != "ok":
            raise RuntimeError(f"the cycle went wrong: {line}")
    return sent


async def _queries(to: Hub, esiid: str, times: int = 200) -> tuple[list[float], list[float]]:
    """Milliseconds of single requests on a kept connection."""
    headers = {"authorization": f"Bearer {await asyncio.to_thread(to.token)}"}
    async with httpx2.AsyncClient(base_url=to.url, headers=headers) as client:
        points = (await client.get("/v1/usage-points")).json()["usage_points"]
        (point,) = [p["id"] for p in points if p["external_id"] == esiid]
        path = f"/v1/usage-points/{point}/energy"
        year = {"start": "2025-01-01", "end": "2026-01-01", "by": "month"}
        day = {"start": "2025-06-01", "end": "2025-06-02", "by": "interval"}
        return await _timed(client, path, year, times), await _timed(client, path, day, times)


async def _timed(client: httpx2.AsyncClient, path: str, query: dict[str, str], times: int) -> list[float]:
    took = []
    for _ in range(times + 20):
        before = perf_counter()
        answer = await client.get(path, params=query)
        took.append((perf_counter() - before) * 1000)
        answer.raise_for_status()
    return took[20:]
