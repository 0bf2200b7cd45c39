"""Who hands out due connections and takes payloads: the other side of the loop in `collect`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from wattledger.connectors.base import Connection, Known, NextPoll, Token
from wattledger.errors import WattledgerError
from wattledger.model import Payload


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the one who archived a payload answers: its own digest, so that the sender can compare."""

    id: str
    sha256: str
    size: int
    duplicate: bool


class TokenSlot(Protocol):
    """The stored token of one connection, held by one at a time. A refresh ends by `end` or `save`."""

    current: Token | None
    unfinished: bool

    async def begin(self) -> None: ...
    async def end(self) -> None: ...
    async def save(self, token: Token) -> None: ...


class Dispatch(Protocol):
    """Hands out due connections and takes payloads: the store is one, a relay's spool the other."""

    async def claim(self, limit: int) -> list[Connection]: ...

    async def renew(self, connection: Connection) -> bool:
        """Hold a claimed connection for longer; False where it has gone to somebody else."""
        ...

    async def deliver(self, connection: Connection, payload: Payload) -> Receipt: ...

    def token(self, connection: Connection) -> AbstractAsyncContextManager[TokenSlot]: ...

    async def settle(
        self, connection: Connection, error: WattledgerError | None, again: datetime | None = None
    ) -> None:
        """Let go of a connection; after a success it is due `again` then, never where that is None."""
        ...


@runtime_checkable
class Points(Protocol):
    """A Dispatch that keeps schedules and counts calls by usage point, for pointwise connectors."""

    async def known(self, connection: Connection) -> list[Known]:
        """The connection's usage points that are in use."""
        ...

    async def spend(self, connection: Connection, external_id: str, calls: int) -> int:
        """Count calls, committed; answers the month's sum with them. Raises TryLater for a lost lease."""
        ...

    async def schedule(self, connection: Connection, wish: NextPoll) -> None:
        """Keep when a usage point is asked again, and what was noted of it."""
        ...

    async def untold(self, connection: Connection) -> list[str]:
        """Usage points that were let go, and are not in use again, of which the vendor was not told yet."""
        ...

    async def told(self, connection: Connection, external_ids: Sequence[str]) -> None:
        """Note that the vendor knows, or will not hear of it."""
        ...
