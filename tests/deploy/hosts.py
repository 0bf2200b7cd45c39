"""Hosts on one machine: network namespaces with an address each, joined by a bridge. Needs root.

`Network` has the bridge and a PostgreSQL that listens on it; `Host` runs processes, and its cable can be cut.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import psycopg

from tests import postgres_server
from tests.cli.test_serve import Running

_numbers = itertools.count(1)
SCALED = """
import sys
from datetime import timedelta
from wattledger.store.archive import jobs
jobs.LEASE = timedelta(seconds={lease})
from wattledger.cli import main
sys.argv = ["wattledger", *{words!r}]
main()
"""


def missing() -> str | None:
    """Why there can be no hosts here; None where there can."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "network namespaces need root and iproute2"
    if subprocess.run(["ip", "netns", "add", "wl-probe"], capture_output=True, check=False).returncode:
        return "this machine allows no network namespaces"
    ip("netns", "del", "wl-probe")
    return None


def ip(*words: str) -> None:
    """One command of iproute2."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Host:
    """One namespace."""

    def __init__(self, name: str, address: str, cable: str, environ: dict[str, str], lease: int) -> None:
        self.name, self.address, self._cable = name, address, cable
        self._environ, self._lease = environ, lease
        self.process: Running | None = None

    def start(self, *words: object, ready: str) -> None:
        """Start a command of ours and wait for a line of its."""
        self.launch(*words)
        assert self.process
        self.process.line(ready)

    def launch(self, *words: object) -> None:
        """Start a command of ours."""
        program = SCALED.format(lease=self._lease, words=[str(word) for word in words])
        inside = ("-c", "import os, sys; os.execvp('ip', ['ip', 'netns', 'exec', *sys.argv[1:]])", self.name)
        call = (*inside, sys.executable, "-u", "-c", program)
        self.process = Running(env=self._environ, program=call)

    def signal(self, number: signal.Signals) -> None:
        assert self.process
        self.process.process.send_signal(number)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self.process
        return self.process.stop()

    def cut(self) -> None:
        """Pull the cable."""
        ip("link", "set", self._cable, "down")

    def join(self) -> None:
        """Put it in again."""
        ip("link", "set", self._cable, "up")

    def end(self) -> None:
        """Kill what runs."""
        if self.process and self.process.process.poll() is None:
            self.process.process.send_signal(signal.SIGCONT)
            self.process.process.kill()
            self.process.process.wait()


class Network:
    """The bridge, its PostgreSQL and the hosts on it."""

    def __init__(self, folder: Path, lease: int, secrets: dict[str, str]) -> None:
        self._folder, self._lease, self._secrets = folder, lease, secrets
        self._mark = f"wl{os.getpid() % 10000}x{next(_numbers)}"
        self._subnet = f"10.{os.getpid() % 200 + 20}.{next(_numbers) % 250}"
        self._stack, self._hosts = ExitStack(), itertools.count(2)
        self.server: postgres_server.Server
        self.url = f"postgresql://postgres@{self._subnet}.1/postgres"

    def __enter__(self) -> Network:
        bridge = f"{self._mark}b"
        ip("link", "add", bridge, "type", "bridge")
        self._stack.callback(ip, "link", "del", bridge)
        ip("addr", "add", f"{self._subnet}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        self.server = postgres_server.start(*postgres_server.FAST, f"listen_addresses={self._subnet}.1")
        self._stack.callback(self.server.stop)
        assert self.server.folder
        with (self.server.folder / "data/pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self._subnet}.0/24 trust\n")
        self.server.run("SELECT pg_reload_conf()")
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def host(self) -> Host:
        """One more host."""
        number = next(self._hosts)
        name, cable = f"{self._mark}n{number}", f"{self._mark}c{number}"
        ip("netns", "add", name)
        self._stack.callback(ip, "netns", "del", name)
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", cable, "master", f"{self._mark}b", "up")
        ip("-n", name, "addr", "add", f"{self._subnet}.{number}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            ip("-n", name, "link", "set", device, "up")
        environ = {
            "HOME": str(self._folder / name),
            "PATH": os.environ["PATH"],
            "WATTLEDGER_DATA": str(self._folder / name),
            "WATTLEDGER_OBJECTS": str(self._folder / "objects"),
            "DATABASE_URL": self.url,
            **self._secrets,
        }
        host = Host(name, f"{self._subnet}.{number}", cable, environ, self._lease)
        self._stack.callback(host.end)
        return host

    @contextmanager
    def rows(self) -> Iterator[psycopg.Connection]:
        """A connection to the database, not by the bridge."""
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            yield connection


class RoundRobin:
    """A tiny client before several hubs: the next one where one refuses or breaks off, until one takes it."""

    def __init__(self, addresses: list[str], headers: dict[str, str]) -> None:
        self._addresses = itertools.cycle(addresses)
        self._client = httpx2.Client(headers=headers, timeout=30, trust_env=False)
        self.again, self.patience = 0, 3000

    def post(self, path: str, body: object) -> httpx2.Response:
        """An answer from the first that gives one."""
        for _ in range(self.patience):
            try:
                return self._client.post(next(self._addresses) + path, json=body)
            except httpx2.TransportError:
                self.again += 1
                time.sleep(0.02)
        raise AssertionError("no hub takes anything")
