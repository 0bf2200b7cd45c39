"""A clock that stands until a test turns it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class TurningClock:
    """`now` moves by `turn` alone; `monotonic` is real, for the pauses of locks."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 8, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return time.monotonic()

    def turn(self, **by: float) -> datetime:
        """Let time pass. Returns the new present."""
        self._now += timedelta(**by)
        return self._now
