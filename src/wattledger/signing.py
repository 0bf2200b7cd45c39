"""How a connection's token is got: the stored one while it lives, else a fresh one, by one at a time.

A vendor may spend the refresh token before its answer arrives. So a refresh is noted before it is sent, and
after an unclear answer the same is sent again; what a killed process left unfinished is not trusted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

from httpx2 import AsyncClient, TransportError

from wattledger.clock import Clock
from wattledger.connectors.base import LEAST_LEFT, Connection, Grant, Suiting, Token
from wattledger.connectors.dispatch import Dispatch, TokenSlot
from wattledger.errors import LoginRequired, TryLater
from wattledger.logs import REDACTOR

Clients = Callable[[Connection, Token | None], AbstractAsyncContextManager[AsyncClient]]
"""an HTTP client for one connection, signed in where a token is given"""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Gets the tokens of a Dispatch's connections."""

    dispatch: Dispatch
    clock: Clock
    clients: Clients
    again: tuple[float, ...]
    """seconds to wait before the same refresh is sent again after an unclear answer"""

    async def __call__(self, grant: Grant, connection: Connection, refused: int | None = None) -> Token:
        """A token with life left, newer than the refused generation; refreshed by one at a time."""
        try:
            return await self._refreshed(grant, connection, refused)
        except LoginRequired:  # read once more: somebody else may have been faster
            token = await self._stored(connection)
            if token is None or not self._good(token, refused) or _replaced(grant, connection, token):
                raise
            return token

    async def _refreshed(self, grant: Grant, connection: Connection, refused: int | None) -> Token:
        async with self.dispatch.token(connection) as slot:
            known, good = slot.current, not slot.unfinished
            if not (known and good and self._good(known, refused)) or _replaced(grant, connection, known):
                await self._renewed(grant, connection, slot)
            assert slot.current is not None
            REDACTOR.register(slot.current.access, slot.current.refresh)
            return slot.current

    async def _renewed(self, grant: Grant, connection: Connection, slot: TokenSlot) -> None:
        """Ask and save. A death or cancellation in between leaves a note: the vendor may have answered."""
        if slot.current is not None and slot.current.refresh:
            await slot.begin()
        try:
            async with self.clients(connection, None) as http:
                fresh = await self._ask(grant, connection, slot.current, http)
        except Exception:
            await slot.end()
            raise
        await slot.save(fresh)

    async def _stored(self, connection: Connection) -> Token | None:
        async with self.dispatch.token(connection) as slot:
            return slot.current

    async def _ask(self, grant: Grant, connection: Connection, old: Token | None, http: AsyncClient) -> Token:
        """Ask the vendor; after an unclear answer the same again, since it may have counted the first."""
        for pause in self.again:
            with suppress(TransportError):
                try:
                    return await grant.token(connection.secrets, old, http)
                except TryLater as error:
                    if error.after is not None:
                        raise
            await asyncio.sleep(pause)
        return await grant.token(connection.secrets, old, http)

    def _good(self, token: Token, refused: int | None) -> bool:
        return token.generation != refused and token.expires_at - self.clock.now() > LEAST_LEFT


def _replaced(grant: Grant, connection: Connection, token: Token) -> bool:
    """Whether a person has replaced the secrets with which a token was got."""
    return isinstance(grant, Suiting) and not grant.suits(connection.secrets, token)
