"""A bucket of allowed tries per caller: refills with time, forgets the oldest callers."""

from __future__ import annotations

import math
from collections import OrderedDict

from wattledger.clock import Clock
from wattledger.errors import Refused

MOST_CALLERS = 10_000


class Throttle:
    """`burst` tries at once and `per_minute` more every minute, for each key (an address, a person)."""

    def __init__(self, clock: Clock, burst: int, per_minute: float) -> None:
        self._clock = clock
        self._burst = burst
        self._rate = per_minute / 60
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Use up one try: 0 when it was allowed, else the seconds to wait for the next."""
        now = self._clock.monotonic()
        left, since = self._left.pop(key, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._rate)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        while len(self._left) > MOST_CALLERS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate

    def check(self, key: str) -> None:
        """Use up one try. Raises TooMany when there is none left."""
        if wait := self.take(key):
            raise TooMany(wait)


class TooMany(Refused):
    """Too many tries: 429 with Retry-After."""

    def __init__(self, wait: float) -> None:
        self.after = max(1, math.ceil(wait))
        super().__init__(
            f"Too many tries from this address; try again in {self.after} s.", "TOO_MANY_TRIES", status=429
        )
