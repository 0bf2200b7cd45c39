"""Who may ask the relay: one header, compared in constant time with the secrets of the settings."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from wattledger.clock import Clock
from wattledger.config import Settings, variable
from wattledger.errors import Refused
from wattledger.secrets import same

HEADER = b"x-intelliwatt-secret"
LEGACY = b"x-proxy-secret"
FIELDS = ("webhook_secret", "webhook_secret_next", "droplet_secret", "droplet_secret_next")
MOST_FAILURES = 60
WINDOW = 60.0
Headers = Sequence[tuple[bytes, bytes]]


class Gate:
    """Lets in a request whose header carries a present or the next secret; slows guessing down."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        found = [getattr(settings, name) for name in FIELDS]
        self._allowed = [s.get_secret_value().encode() for s in found if s is not None]
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=MOST_FAILURES)

    def check(self, headers: Headers) -> None:
        """Raises Refused: 503 nothing configured, 400 doubled header, 401 wrong or missing, 429 too often."""
        if not self._allowed:
            names = f"{variable('webhook_secret')} or {variable('droplet_secret')}"
            raise Refused(
                f"Set {names} on the relay; until then nobody can trigger it.", "NO_SECRET", status=503
            )
        given = [value for name, value in headers if name.lower() == HEADER]
        if len(given) > 1:
            raise Refused(
                "The header x-intelliwatt-secret came more than once.", "DOUBLED_HEADER", status=400
            )
        if given and same(given[0], *self._allowed):
            return
        self._refuse(any(name.lower() == LEGACY for name, _ in headers) and not given)

    def _refuse(self, legacy: bool) -> None:
        now = self._clock.monotonic()
        often = len(self._failures) == MOST_FAILURES and now - self._failures[0] < WINDOW
        self._failures.append(now)
        if often:
            raise Refused("Too many wrong secrets; wait a minute.", "TOO_MANY_FAILURES", status=429)
        hint = " x-proxy-secret is no longer taken." if legacy else ""
        raise Refused(
            f"The header x-intelliwatt-secret is missing or wrong.{hint}", "unauthorized", status=401
        )
