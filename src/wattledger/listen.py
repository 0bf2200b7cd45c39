"""The loop for pushes: as collecting, but a claimed connection is listened to until its stream ends.

Its Dispatch leases connections for listening, so polling goes on beside it and is never disturbed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from wattledger.collect import Collector, Pace
from wattledger.connectors.base import LEAST_LEFT, Account, Connection, Connector, Stream, Token
from wattledger.model import Payload

LISTENING = Pace(width=500, renew=60.0, deadline=2e6, grace=0.0)
"""a stream ends with its token, so there is no deadline; told to stop, nobody waits for its end"""
NOT_SOONER = timedelta(minutes=1)
"""between two beginnings of one stream, however well it ended"""
ELSEWHERE = timedelta(minutes=15)
"""until a connection that can't be listened to is looked at again"""


@dataclass(frozen=True, slots=True)
class Listener(Collector):
    """A Collector that hears instead of asking."""

    async def _fetch(self, connection: Connection, urgent: bool) -> datetime | None:
        connector = self.registry(connection.connector)
        if not isinstance(connector, Stream) or not connector.pushes(connection.secrets):
            return self.clock.now() + ELSEWHERE
        return await Collector._fetch(self, connection, urgent)

    async def _deliver(
        self, connector: Connector, connection: Connection, token: Token | None, urgent: bool
    ) -> datetime | None:
        """Deliver what is pushed until the stream ends, or its token nearly does. Returns when to go on."""
        began = self.clock.now()
        left = None if token is None else (token.expires_at - LEAST_LEFT - began).total_seconds()
        try:
            async with asyncio.timeout(left) as limit:
                await self._hear(cast("Stream", connector), connection, token)
        except TimeoutError:
            if not limit.expired():
                raise
        return max(self.clock.now(), began + NOT_SOONER)

    async def _hear(self, connector: Stream, connection: Connection, token: Token | None) -> None:
        async with self.clients(connection, token) as http:
            extra = token.extra if token else {}
            account = Account(http, connection.options, None, self.clock.now(), connection.id, extra)
            said = cast("AsyncGenerator[Payload]", connector.listen(account))
            async with aclosing(said):
                async for payload in said:
                    heard = replace(payload, received_at=self.clock.now())
                    await self._hand_over(connection, heard)
