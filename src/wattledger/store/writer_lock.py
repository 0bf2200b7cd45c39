"""One writer at a time on an SQLite file, across tasks and processes.

Releases of SQLite before 3.51.3 can lose data when two connections write and checkpoint at once;
so whoever writes holds `flock` on a file beside the database for the length of the transaction.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from wattledger.clock import Clock
from wattledger.errors import TryLater
from wattledger.faults import sabotaged

_SHORTEST, _LONGEST = 0.001, 0.02


class FileLock:
    """An exclusive lock on a file; tasks of one process queue up, processes poll."""

    def __init__(self, path: Path, clock: Clock, patience: float = 30.0) -> None:
        self.path = path
        self._clock = clock
        self._patience = patience
        self._tasks = asyncio.Lock()

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[bool]:
        """Hold the lock where it is free now; False where somebody, in this process or another, holds it."""
        if self._tasks.locked():
            yield False
            return
        async with self._tasks:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                yield _try(handle)
            finally:
                os.close(handle)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold the lock. Raises TryLater when nobody lets go of it for `patience` seconds."""
        if sabotaged("writer_lock"):
            yield
            return
        async with self._tasks:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                await self._acquire(handle)
                yield
            finally:
                os.close(handle)

    async def _acquire(self, handle: int) -> None:
        deadline, pause = self._clock.monotonic() + self._patience, _SHORTEST
        while not _try(handle):
            if self._clock.monotonic() > deadline:
                raise TryLater(f"Another process holds {self.path.name}; nothing was lost, try again.")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST)


def _try(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
