"""Trying again: full jitter, bounded, on a budget, and not at all while a vendor keeps failing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from wattledger.clock import Clock, SystemClock, chance
from wattledger.errors import TryLater

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

EARNED = 0.1
"""tries again that one call earns: at most a tenth more calls in the long run"""
SAVED = 3.0


@dataclass
class Patience:
    """How often and how soon one vendor account is asked again. Share one per account."""

    tries: int = 4
    base: float = 1.0
    most: float = 60.0
    """seconds of the longest pause made in place; a vendor who asks for more gets its error passed on"""
    open_after: int = 5
    """failures in a row after which calls fail at once for `closed_for` seconds"""
    closed_for: float = 30.0
    clock: Clock = field(default_factory=SystemClock)
    sleep: Sleep = asyncio.sleep
    share: Callable[[], float] = chance

    def __post_init__(self) -> None:
        self._budget = SAVED
        self._failures = 0
        self._closed_until = 0.0

    async def call(self, work: Callable[[], Awaitable[T]], again: bool = True) -> T:
        """The result of `work`, tried again on TryLater when `again`. Raises the last error."""
        self._refuse_while_closed()
        self._budget = min(SAVED, self._budget + EARNED)
        for attempt in range(self.tries):
            try:
                result = await work()
            except TryLater as error:
                self._failed()
                pause = self._pause(attempt, error.after)
                if not again or pause is None:
                    raise
                await self.sleep(pause)
            else:
                self._failures = 0
                return result
        raise AssertionError("The last try returns or raises.")

    def _pause(self, attempt: int, wish: timedelta | None) -> float | None:
        """Seconds until the next try, None where there is none."""
        least = wish.total_seconds() if wish else 0.0
        closed = self._failures >= self.open_after
        if attempt + 1 >= self.tries or self._budget < 1 or least > self.most or closed:
            return None
        self._budget -= 1
        return max(least, self.share() * min(self.most, self.base * 2.0**attempt))

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= self.open_after:
            self._closed_until = self.clock.monotonic() + self.closed_for

    def _refuse_while_closed(self) -> None:
        left = self._closed_until - self.clock.monotonic()
        if self._failures >= self.open_after and left > 0:
            raise TryLater(
                f"The vendor failed {self._failures} times in a row; it is left alone for {left:.0f} s.",
                timedelta(seconds=left),
            )
