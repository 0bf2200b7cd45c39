"""The only places where the wall clock and randomness enter."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the present; tests give another one."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's clock: aware UTC instants, and monotonic seconds for pauses and leases."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def token(size: int = 32) -> str:
    """A new unguessable URL-safe word of `size` random bytes."""
    return secrets.token_urlsafe(size)


def random_bytes(size: int) -> bytes:
    """`size` bytes nobody can guess: keys and nonces."""
    return secrets.token_bytes(size)


def chance() -> float:
    """An even draw from [0, 1), for jitter; tests hand in their own."""
    return secrets.SystemRandom().random()
