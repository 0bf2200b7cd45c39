"""Commands of ours as processes, looked after as an init system does: whatever ends is started again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parents[2]
AGAIN = 0.5
"""seconds from an end to the next start"""
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Child:
    """One command. `env` may change; it counts from the next start on."""

    name: str
    words: tuple[object, ...]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    ours: bool = False
    """whether we have ended it"""
    deaths: list[tuple[int, float]] = field(default_factory=list)
    """of itself: exit code, and the seconds it had run"""

    def start(self) -> None:
        command = [sys.executable, "-u", "-m", "tests.chaos.inside", *map(str, self.words)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=log, stderr=log)
        self.started, self.ours = monotonic(), False

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it where it runs."""
        if self.process and self.alive:
            self.ours = self.ours or number in (signal.SIGKILL, signal.SIGTERM)
            self.process.send_signal(number)

    def look(self) -> None:
        """Start it again where it has ended; remember where that was not our doing."""
        if self.process is None or self.alive:
            return
        if not self.ours:
            self.deaths.append((self.process.returncode, monotonic() - self.started))
        self.start()

    def rss(self) -> int:
        """Resident bytes; 0 where it does not run."""
        try:
            return int(self._proc("statm").read_text().split()[1]) * PAGE
        except (OSError, IndexError):
            return 0

    def descriptors(self) -> int:
        """Open files and sockets."""
        try:
            return len(list(self._proc("fd").iterdir()))
        except OSError:
            return 0

    def children(self) -> Iterator[int]:
        """The pids of its own children."""
        try:
            found = self._proc("task", str(self.process.pid), "children").read_text() if self.process else ""
        except OSError:
            found = ""
        yield from map(int, found.split())

    def _proc(self, *parts: str) -> Path:
        assert self.process
        return Path("/proc", str(self.process.pid), *parts)


@dataclass
class Family:
    """All children; `async with` looks after them."""

    all: list[Child]
    _task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Family:
        for child in self.all:
            child.start()
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.end()

    async def end(self) -> None:
        """Ask all of them to stop, and wait; nobody is started again."""
        assert self._task
        self._task.cancel()
        for child in self.all:
            child.signal(signal.SIGCONT)
            child.signal(signal.SIGTERM)
        for child in self.all:
            await asyncio.to_thread(_ended, child)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(AGAIN)
            for child in self.all:
                child.look()

    def __getitem__(self, name: str) -> Child:
        return next(child for child in self.all if child.name == name)

    def of(self, *kinds: str) -> list[Child]:
        """Those whose names begin with one of these."""
        return [child for child in self.all if child.name.startswith(kinds)]


def _ended(child: Child) -> None:
    if child.process:
        try:
            child.process.wait(25)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
