"""The store as a Dispatch: due connections out, payloads in. The store's only sight of connectors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from wattledger.connectors.base import App, Connection, Known, NextPoll, Token
from wattledger.connectors.dispatch import Receipt, TokenSlot
from wattledger.errors import Misconfigured, TryLater, WattledgerError
from wattledger.model import Payload
from wattledger.store.archive.payloads import Payloads
from wattledger.store.sources.connections import Claimed, Connections
from wattledger.store.sources.listening import Listening
from wattledger.store.sources.vehicles import Vehicles
from wattledger.store.sources.vendor_tokens import SealedSlot


class StoreDispatch:
    """Hands out the due connections of the given connectors, and no others.

    `vehicles` keeps schedules by usage point; `apps` are the operator's settings by connector, over
    which a connection's own win.
    """

    def __init__(
        self,
        payloads: Payloads,
        connections: Connections,
        connectors: Collection[str],
        *,
        vehicles: Vehicles | None = None,
        apps: Mapping[str, App] | None = None,
    ) -> None:
        self._payloads = payloads
        self._connections = connections
        self._connectors = tuple(connectors)
        self._vehicles = vehicles
        self._apps = apps or {}

    async def claim(self, limit: int) -> list[Connection]:
        """Lease up to `limit` connections for a minute: unfinished refreshes first, then what is due."""
        left = await self._connections.claim_unfinished(limit, self._connectors)
        due = await self._connections.claim(limit - len(left), self._connectors)
        return [self._with_app(_connection(c)) for c in (*left, *due)]

    async def claim_one(self, id: str) -> Connection | None:
        """Lease one connection whether or not it is due; None while another process holds it."""
        claimed = await self._connections.claim_one(id)
        return None if claimed is None else self._with_app(_connection(claimed))

    async def renew(self, connection: Connection) -> bool:
        """Hold for another minute; False where the lease is lost."""
        return await self._connections.renew(connection.id, connection.lease or "")

    async def deliver(self, connection: Connection, payload: Payload) -> Receipt:
        """Archive and read a payload. Raises TryLater where the lease is lost: its new holder delivers."""
        if not await self.renew(connection):
            raise TryLater("Another process has taken this connection over; it goes on there.")
        done = await self._payloads.deliver(connection.site, payload)
        return Receipt(str(done.id), done.sha256, done.size, done.duplicate)

    @asynccontextmanager
    async def token(self, connection: Connection) -> AsyncIterator[TokenSlot]:
        """Hold the connection's token: one refresh at a time across all processes."""
        async with self._connections.token(connection.id) as slot:
            yield StoreSlot(slot)

    async def settle(
        self, connection: Connection, error: WattledgerError | None, again: datetime | None = None
    ) -> None:
        """Note how it went and let go; nothing is written where the lease is lost."""
        await self._connections.settle(connection.id, connection.lease or "", error, again)

    async def known(self, connection: Connection) -> list[Known]:
        """The connection's vehicles that are in use."""
        found = await self._points().known(connection.id)
        return [Known(k.external_id, k.options, k.status, k.due, k.firm, k.calls, k.latest) for k in found]

    async def spend(self, connection: Connection, external_id: str, calls: int) -> int:
        """Count calls, committed; answers the month's sum. Raises TryLater for a lost lease."""
        return await self._points().spend(connection.id, connection.lease or "", external_id, calls)

    async def schedule(self, connection: Connection, wish: NextPoll) -> None:
        """Keep when a vehicle is asked again; nothing is written where the lease is lost."""
        await self._points().schedule(
            connection.id,
            connection.lease or "",
            wish.external_id,
            wish.at,
            firm=wish.firm,
            status=wish.status,
        )

    async def untold(self, connection: Connection) -> list[str]:
        """Vehicles that were let go, of whose end the vendor knows nothing yet."""
        return await self._connections.untold(connection.id)

    async def told(self, connection: Connection, external_ids: Sequence[str]) -> None:
        """Note that the vendor knows; nothing is written where the lease is lost."""
        await self._connections.told(connection.id, connection.lease or "", external_ids)

    def _points(self) -> Vehicles:
        if self._vehicles is None:
            raise Misconfigured("This process keeps no schedules of vehicles; a hub or worker does.")
        return self._vehicles

    def _with_app(self, connection: Connection) -> Connection:
        app = self._apps.get(connection.connector)
        if app is None:
            return connection
        return replace(
            connection,
            options={**app.options, **connection.options},
            secrets={**app.secrets, **connection.secrets},
        )


class ListenDispatch(StoreDispatch):
    """Hands out connections to listen to, under leases of their own; payloads go the same way."""

    def __init__(
        self,
        payloads: Payloads,
        connections: Connections,
        listening: Listening,
        connectors: Collection[str],
        *,
        apps: Mapping[str, App] | None = None,
    ) -> None:
        super().__init__(payloads, connections, connectors, apps=apps)
        self._listening = listening

    async def claim(self, limit: int) -> list[Connection]:
        """Lease up to `limit` connections that nobody listens to."""
        claimed = await self._listening.claim(limit, self._connectors)
        return [self._with_app(_connection(c)) for c in claimed]

    async def renew(self, connection: Connection) -> bool:
        """Listen on; False where the lease is lost."""
        return await self._listening.renew(connection.id, connection.lease or "")

    async def settle(
        self, connection: Connection, error: WattledgerError | None, again: datetime | None = None
    ) -> None:
        """Let go; nothing is written where the lease is lost, and nothing of polling is touched."""
        await self._listening.settle(connection.id, connection.lease or "", error, again)


def _connection(c: Claimed) -> Connection:
    return Connection(c.id, c.site, c.connector, c.options, c.secrets, c.lease, c.newest, c.removed)


class StoreSlot:
    """A held token as the contract's Token."""

    def __init__(self, slot: SealedSlot) -> None:
        self._slot = slot
        self.current = None if slot.current is None else _token(slot.current, slot.generation)
        self.unfinished = slot.unfinished

    async def begin(self) -> None:
        """Note, committed, that a refresh begins."""
        await self._slot.begin()

    async def end(self) -> None:
        """Note that it came to nothing."""
        await self._slot.end()

    async def save(self, token: Token) -> None:
        """Seal and commit. Raises TryLater where somebody else saved one meanwhile."""
        await self._slot.save(stored_token(token))
        self.current = _token(stored_token(token), self._slot.generation)


def stored_token(token: Token) -> dict[str, Any]:
    """A token as the store keeps it."""
    until = token.expires_at.isoformat()
    return {"access": token.access, "expires_at": until, "refresh": token.refresh, "extra": dict(token.extra)}


def _token(stored: Mapping[str, Any], generation: int) -> Token:
    until = datetime.fromisoformat(stored["expires_at"])
    return Token(stored["access"], until, stored["refresh"], generation, stored["extra"])
