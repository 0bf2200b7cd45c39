"""When a remote file is whole: old enough, or the same in two listings that can tell a difference."""

from __future__ import annotations

from pathlib import Path

import orjson

from wattledger.clock import Clock
from wattledger.faults import sabotaged
from wattledger.relay.durable import durable_write

APART = 0.5
"""seconds between two listings that agree; a storm of triggers lists faster than a file grows"""


class Settling:
    """Remembers, over processes, when a version of a young file was first listed."""

    def __init__(self, path: Path, clock: Clock, seconds: float) -> None:
        self._path = path
        self._clock = clock
        self._seconds = seconds
        self._before = self._load()
        self._now: dict[str, float] = {}

    def settled(self, key: str, mtime: int) -> bool:
        """Whether this version (its key holds size and mtime) may be taken now."""
        now = self._clock.now().timestamp()
        first = min(self._before.get(key, now), now)  # a clock that was ahead noted the future
        apart = min(self._seconds, APART)
        whole = mtime <= now - self._seconds or now - first >= apart or sabotaged("settle")
        if not whole:
            self._now[key] = first
        return whole

    def save(self) -> None:
        """Keeps what is still young; forgets the rest."""
        if self._now != self._before:
            durable_write(self._path, orjson.dumps(self._now))

    def _load(self) -> dict[str, float]:
        try:
            found = orjson.loads(self._path.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return {}
        return (
            {k: v for k, v in found.items() if isinstance(v, int | float)} if isinstance(found, dict) else {}
        )
