"""The whole road on one machine: the utility, a relay, hubs and workers, a database, the wires between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

from tests import postgres_server
from tests.chaos.children import ROOT, Child, Family
from tests.chaos.feed import HOMES, Feed
from tests.chaos.vendors import Vendors
from tests.disks import mounted
from tests.load.processes import free_port
from tests.wire import WHOLE, Line, Wire
from wattledger.keyfile import make_key
from wattledger.simulators.smart_meter_texas import SmtSimulator

SECRETS = {
    "ADMIN_TOKEN": "an-admin-token-of-the-run",
    "INTELLIWATT_WEBHOOK_SECRET": "a-webhook-secret-of-the-run",
}
KEPT = ("fsync=off", "full_page_writes=off", "max_connections=200")
"""fast, and yet nothing committed is lost by a kill"""
DISKS = {"spool": "48m", "hub": "192m"}


@dataclass
class Plan:
    """What is run."""

    seed: int
    postgres: bool = False
    scaled: bool = True
    pace: float = 1.0
    """by which the lengths of faults are multiplied"""
    sabotage: str = ""
    """WATTLEDGER_FAULTS of the hubs"""
    polled: bool = True
    """whether hubs also poll vendors"""


class World:
    """`async with World(folder, plan) as world`: everything runs; `world.feed.drop()` drops a file."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan, self.random = folder, plan, Random(plan.seed)
        self.server: postgres_server.Server | None = None
        self.disks: dict[str, Path] = {}
        self.vendor: SmtSimulator
        self.feed: Feed
        self.family: Family
        self.to_hub: Wire
        self.to_vendor: Wire
        self.to_database: Wire | None = None
        self.vendors: Vendors | None = None
        self.keys = make_key()
        self.lines: dict[str, Line] = {}
        self._turns: Iterator[int] = iter(())
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> World:
        try:
            await self._build()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def _build(self) -> None:
        for name, size in DISKS.items():
            self._mount(name, size)
        self.vendor = await self._stack.enter_async_context(SmtSimulator(self.folder / "utility", HOMES))
        self.feed = Feed(self.vendor, Random(self.plan.seed + 1))
        if self.plan.postgres:
            await self._database()
        if self.plan.polled:
            self.vendors = Vendors(timedelta(seconds=1) if self.plan.scaled else timedelta(minutes=5))
            await self.vendors.start(self._stack, self._wire)
        ports = [free_port() for _ in range(2 if self.plan.postgres else 1)]
        self.to_hub = await self._wire("hub", ports[0])
        self.to_vendor = await self._wire("vendor", self.vendor.sftp.port)
        hubs = [self._child(f"hub{n}", "hub", "serve", "--port", port) for n, port in enumerate(ports)]
        if self.plan.postgres:
            hubs += [self._child(f"worker{n}", "hub", "work") for n in range(2)]
        children = [*hubs, self._child("relay", "relay", "relay")]
        self.family = await self._stack.enter_async_context(Family(children))
        self._ports = dict(zip((h.name for h in hubs), ports, strict=False))

    def _mount(self, name: str, size: str) -> None:
        if self._stack.enter_context(mounted(self.folder / name, size)):
            self.disks[name] = self.folder / name

    async def _wire(self, name: str, port: int, host: str = "127.0.0.1") -> Wire:
        return await self._stack.enter_async_context(Wire(port, lambda _: self._line(name), host))

    def _line(self, name: str) -> Line:
        """The line of a new connection; deliveries take turns over the hubs that run."""
        if name == "hub":
            running = [c.name for c in self.family.of("hub") if c.alive] or ["hub0"]
            chosen = running[int(self.random.random() * len(running))]
            self.to_hub.target = ("127.0.0.1", self._busy or self._ports[chosen])
        return self.lines.get(name, WHOLE)

    _busy: int = 0

    def busy(self, port: int) -> None:
        """Let another answer in the hubs' place; 0 for the hubs."""
        self._busy = port

    async def _database(self) -> None:
        host = f"127.{self.random.randrange(1, 250)}.{os.getpid() % 250}.{os.getpid() // 250 % 250 + 1}"
        self.server = await asyncio.to_thread(postgres_server.start, *KEPT, f"listen_addresses={host}")
        self._stack.callback(self._stop_database)
        self.to_database = await self._wire("database", 5432, host)

    def _stop_database(self) -> None:
        if self.server:
            self.server.stop()

    def end_database(self, number: signal.Signals) -> None:
        """SIGKILL: as a crash; SIGQUIT: an immediate stop."""
        assert self.server and self.server.process
        self.server.process.send_signal(number)
        self.server.process.wait()

    def begin_database(self) -> None:
        """Start it over the same files, as often as it takes its last children to be gone."""
        assert self.server and self.server.process and self.server.folder
        identity = postgres_server._identity(self.server.folder)
        for _ in range(100):
            with (self.server.folder / "log").open("ab") as log:
                call = self.server.process.args
                self.server.process = subprocess.Popen(
                    call, stderr=log, stdout=log, cwd=self.server.folder, **identity
                )
            time.sleep(0.3)
            if self.server.process.poll() is None:
                return
        raise AssertionError("the database does not start again")

    def _child(self, name: str, host: str, *words: object) -> Child:
        base = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "WATTLEDGER_LOG": "json", **SECRETS}
        base |= self._clock(host) | ({"CHAOS_SCALED": "1"} if self.plan.scaled else {})
        own = self._relay() if host == "relay" else self._hub()
        return Child(name, words, base | own, self.folder / f"{name}.log")

    def _clock(self, host: str) -> dict[str, str]:
        self.turn(host)
        return {"CHAOS_CONTROL": str(self.folder / f"{host}.control")}

    def turn(self, host: str, ahead: float = 0.0, nameless: bool = False) -> None:
        """Put a host's clock ahead (or back), or take its names away."""
        fresh = self.folder / f"{host}.control.new"
        fresh.write_text(json.dumps({"ahead": ahead, "nameless": nameless}))
        fresh.replace(self.folder / f"{host}.control")

    def _hub(self) -> dict[str, str]:
        env = {"WATTLEDGER_DATA": str(self.data), "WATTLEDGER_KEYS": self.keys}
        if self.vendors:
            env |= self.vendors.environment()
        if self.plan.sabotage:
            env["WATTLEDGER_FAULTS"] = self.plan.sabotage
        if self.to_database:
            env["DATABASE_URL"] = f"postgresql://postgres@127.0.0.1:{self.to_database.port}/postgres"
        return env

    def _relay(self) -> dict[str, str]:
        keys = self.folder / "keys"
        env = self.vendor.environment(keys)
        public = self.vendor.sftp.host_key.export_public_key().decode().split()
        pinned = keys / "pinned"
        pinned.write_text(f"[localhost]:{self.to_vendor.port} {public[0]} {public[1]}\n")
        return env | {
            "WATTLEDGER_DATA": str(self.folder / "relay"),
            "SMT_INBOX_DIR": str(self.inbox),
            "SMT_SFTP_HOST": "localhost",
            "SMT_SFTP_PORT": str(self.to_vendor.port),
            "SMT_SFTP_KNOWN_HOSTS": str(pinned),
            "INTELLIWATT_BASE_URL": f"http://localhost:{self.to_hub.port}",
            "WATTLEDGER_RELAY_PORT": "0",
            "WATTLEDGER_RELAY_EVERY_MINUTES": "0.015" if self.plan.scaled else "0.1",
        }

    def wires(self) -> dict[str, Wire]:
        """Every line between two hosts."""
        found = {"hub": self.to_hub, "vendor": self.to_vendor, **(self.vendors.wires if self.vendors else {})}
        return {**found, "database": self.to_database} if self.to_database else found

    @property
    def data(self) -> Path:
        """The hubs' data folder."""
        return self.folder / "hub" / "data"

    @property
    def inbox(self) -> Path:
        return self.folder / "spool" / "inbox"

    @property
    def pgp_key(self) -> Path:
        return self.folder / "keys" / "smt_pgp_key.asc"

    def spooled(self, folder: str) -> list[dict[str, object]]:
        """The sidecars in a folder of the spool."""
        found = []
        for path in (self.inbox / folder).glob("*.json"):
            try:
                found.append(json.loads(path.read_bytes()))
            except (OSError, ValueError):
                continue  # being moved or written
        return found

    def receipted(self) -> set[str]:
        """The sha256 of every payload for which the relay has a receipt."""
        found = set()
        for path in (self.inbox / "done").glob("*.receipt"):
            try:
                found.add(str(json.loads(path.read_bytes())["sha256"]))
            except (OSError, ValueError, KeyError):
                continue
        return found


__all__ = ["ROOT", "Plan", "World"]
