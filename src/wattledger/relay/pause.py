"""When the hub may be asked again: one small file, so that several processes keep the same pause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from wattledger.clock import Clock, chance
from wattledger.faults import sabotaged
from wattledger.relay.durable import durable_write

LONGEST = 300.0
REFUSED = timedelta(minutes=5)


class Pause:
    """A pause of all deliveries. `until` is UTC epoch seconds, 0 when there is none."""

    def __init__(self, path: Path, clock: Clock, chance: Callable[[], float] = chance) -> None:
        self._path = path
        self._clock = clock
        self._chance = chance

    def read(self) -> tuple[float, str]:
        """Until when, and why. One that begins in the future is over: the clock was wrong then."""
        found = self._load()
        wrong = float(found.get("since", 0)) > self._clock.now().timestamp() and not sabotaged("clock_back")
        return 0.0 if wrong else float(found.get("until", 0)), str(found.get("reason", ""))

    def active(self, only_wished: bool = False) -> str | None:
        """Why nothing may be sent now; None when it may. `only_wished`: pauses the hub asked for alone."""
        until, reason = self.read()
        if only_wished and not self._load().get("wished"):
            return None
        return reason if until > self._clock.now().timestamp() else None

    def begin(self, reason: str, wait: timedelta | None = None, *, wished: bool = False) -> None:
        """Pauses for `wait`, else for a growing time with full jitter, at most five minutes.

        `wished` where the hub named the time itself.
        """
        attempts = int(self._load().get("attempts", 0)) + 1
        seconds = wait.total_seconds() if wait else backoff(attempts, self._chance)
        now = self._clock.now().timestamp()
        told = {"since": now, "until": now + seconds, "reason": reason}
        body = {**told, "attempts": attempts, "wished": wished}
        durable_write(self._path, orjson.dumps(body))

    def end(self) -> None:
        """The hub took something: no pause."""
        self._path.unlink(missing_ok=True)

    def forgive(self) -> None:
        """End a pause that the hub did not wish for."""
        if not self._load().get("wished"):
            self.end()

    def _load(self) -> dict[str, Any]:
        try:
            found = orjson.loads(self._path.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return {}
        return found if isinstance(found, dict) else {}


def due(planned: float, now: float) -> bool:
    """Whether a try is due (UTC epoch seconds). No plan reaches further than LONGEST: one that does was made
    by a clock that was ahead."""
    return planned <= now or (planned > now + LONGEST and not sabotaged("clock_back"))


def backoff(attempts: int, chance: Callable[[], float] = chance) -> float:
    """Seconds to wait after so many failures: full jitter under a doubling bound, 1 s to 5 minutes."""
    return max(1.0, chance() * min(LONGEST, 2.0 ** min(attempts, 20)))
