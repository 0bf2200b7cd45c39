"""A vendor's token, kept for its lifetime: one request for any number of callers, renewed before it ends."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from wattledger.clock import Clock
from wattledger.connectors.base import Token
from wattledger.errors import LoginRequired, Misconfigured
from wattledger.faults import sabotaged

SHORTEST, LONGEST = timedelta(seconds=60), timedelta(days=30)
UNKNOWN_LIFE = timedelta(minutes=30)
RENEW_AT = 0.8
"""share of the life after which a new token is asked for"""
REFUSED_PAUSE = 60.0
"""seconds for which a refused sign-in isn't tried again"""


def lifetime(expires_in: Any) -> timedelta:
    """The life of a token by the vendor's number or text of seconds, kept within a minute and 30 days.

    Half an hour where nothing readable was said.
    """
    try:
        seconds = float(expires_in)
    except (TypeError, ValueError, OverflowError):
        return UNKNOWN_LIFE
    if math.isnan(seconds):
        return UNKNOWN_LIFE
    return timedelta(seconds=min(max(seconds, SHORTEST.total_seconds()), LONGEST.total_seconds()))


class TokenHolder:
    """The present token of one account, for all callers of this process.

    `ask` makes the request; its errors reach every caller that waited for it.
    """

    def __init__(self, ask: Callable[[], Awaitable[Token]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._token: Token | None = None
        self._renew_at = 0.0
        self._flight: asyncio.Task[Token] | None = None
        self._refused: LoginRequired | Misconfigured | None = None
        self._refused_until = 0.0

    async def get(self) -> Token:
        """A token with life left in it. Raises LoginRequired, TryLater, Misconfigured."""
        if self._token is not None and self._clock.monotonic() < self._renew_at:
            return self._token
        return await self._one_request()

    async def renew(self, refused: Token) -> Token:
        """A token other than the one that was just refused; at most one request, whoever asks."""
        if self._token is refused:
            self._token = None
        return await self.get()

    async def _one_request(self) -> Token:
        if sabotaged("single_flight"):
            return await self._fetch()
        if self._flight is None:
            self._flight = asyncio.create_task(self._fetch())
            self._flight.add_done_callback(self._landed)
        return await asyncio.shield(self._flight)

    def _landed(self, flight: asyncio.Task[Token]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()

    async def _fetch(self) -> Token:
        if self._refused is not None and self._clock.monotonic() < self._refused_until:
            raise type(self._refused)(str(self._refused))
        asked, now = self._clock.monotonic(), self._clock.now()
        try:
            token = await self._ask()
        except (LoginRequired, Misconfigured) as error:
            self._refused, self._refused_until = error, self._clock.monotonic() + REFUSED_PAUSE
            raise
        self._renew_at = asked + RENEW_AT * (token.expires_at - now).total_seconds()
        self._token, self._refused = token, None
        return token
