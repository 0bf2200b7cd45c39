"""The disk guard: the hub takes in nothing more before the database runs out of room."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from wattledger.clock import Clock
from wattledger.errors import TryLater

LOW_BYTES = 2 << 30
LOW_SHARE = 0.1
LOOK_EVERY = 5.0
Usage = Callable[[Path], tuple[int, int, int]]


class DiskLow(TryLater):
    """Too little room is left: 507, come back when there is more."""

    status = 507


class Disk:
    """Watches the disk of the data folder. Low: less than 2 GiB and less than a tenth are free."""

    def __init__(self, folder: Path, clock: Clock, usage: Usage = shutil.disk_usage) -> None:
        self._folder, self._clock, self._usage = folder, clock, usage
        self._looked: float | None = None
        self._free, self._low = 0, False

    @property
    def free(self) -> int:
        """Free bytes, as of the last look."""
        self._look()
        return self._free

    def check(self) -> None:
        """Raises DiskLow when the disk is nearly full."""
        self._look()
        if self._low:
            raise DiskLow(
                f"Only {self._free >> 20} MiB are free on the hub's disk; make room. Nothing was taken in."
            )

    def _look(self) -> None:
        now = self._clock.monotonic()
        if self._looked is not None and now - self._looked < LOOK_EVERY:
            return
        total, _, self._free = self._usage(self._folder)
        self._low = self._free < LOW_BYTES and self._free < total * LOW_SHARE
        self._looked = now
