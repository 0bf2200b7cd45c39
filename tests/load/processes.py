"""Hubs and workers as processes that are killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from types import TracebackType

from tests.cli.test_serve import Running
from tests.deploy.hosts import SCALED
from wattledger.keyfile import make_key

ADMIN, SECRET = "an-admin-token-of-tests", "a-webhook-secret-of-tests"
HEADERS = {"x-admin-token": ADMIN, "x-intelliwatt-secret": SECRET}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def environment(folder: Path, url: str, **more: str) -> dict[str, str]:
    """The variables of an installation with this database."""
    return {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "WATTLEDGER_DATA": str(folder),
        "WATTLEDGER_KEYS": make_key(),
        "DATABASE_URL": url,
        "ADMIN_TOKEN": ADMIN,
        "INTELLIWATT_WEBHOOK_SECRET": SECRET,
        **more,
    }


@dataclass
class Process:
    """One command of ours that can be killed and started anew; a hub keeps its port."""

    env: Mapping[str, str]
    words: tuple[object, ...]
    lease: float | None = None
    """seconds, instead of the product's"""
    port: int | None = None
    running: Running | None = None

    @classmethod
    def hub(cls, env: Mapping[str, str], lease: float | None = None) -> Process:
        port = free_port()
        return cls(env, ("serve", "--port", port), lease, port)

    async def start(self) -> float:
        """Start it, and for a hub wait until it listens. Returns the seconds that took."""
        begin = monotonic()
        words = [str(word) for word in self.words]
        if self.lease is None:
            self.running = Running(*words, env=dict(self.env))
        else:
            program = ("-c", SCALED.format(lease=self.lease, words=words))
            self.running = Running(env=dict(self.env), program=program)
        if self.port is not None:
            await asyncio.to_thread(self.running.line, "Wattledger is at")
        return monotonic() - begin

    def kill(self) -> None:
        """kill -9."""
        if self.running and self.running.process.poll() is None:
            self.running.stop(signal.SIGKILL)


@dataclass
class Processes:
    """All of an installation; started together, killed one at a time."""

    all: list[Process]
    windows: list[tuple[float, float]] = field(default_factory=list)
    """from the kill of a hub until it listens again"""
    kills: int = 0

    async def __aenter__(self) -> Processes:
        for process in self.all:
            await process.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.all:
            process.kill()

    async def killing(self, every: float, seed: int) -> None:
        """Kill one of them at random, about every so many seconds, and start it again at once."""
        random = Random(seed)
        while True:
            await asyncio.sleep(every * random.uniform(0.8, 1.2))
            chosen, at = random.choice(self.all), monotonic()
            chosen.kill()
            self.kills += 1
            await chosen.start()
            if chosen.port is not None:
                self.windows.append((at, monotonic()))

    def disturbed(self, begin: float, end: float) -> bool:
        """Whether a hub was away at some moment between."""
        return any(begin < until and since < end for since, until in self.windows)
