"""How long a request waits for others: for a connection, for a lock, for work that it shares.

Its caller is told to come back while it still listens; what the hub does by itself has time. Waiting alone
is counted, all of a request's together: a statement that is slow by itself is never cut. Of a lock that was
got in the end nobody knows how long that took.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from wattledger.errors import TryLater
from wattledger.faults import sabotaged

LEAST = 0.1
"""seconds that are always left: a lease is let go of by one who has waited for long"""


@dataclass(slots=True)
class Hurry:
    """A request's, `left` seconds of waiting; `over` when its answer has begun."""

    left: float
    over: bool = False

    @property
    def seconds(self) -> float:
        """How long it may wait for the next thing."""
        return max(self.left, LEAST)


_hurry: ContextVar[Hurry | None] = ContextVar("hurry", default=None)


def hurry() -> Hurry | None:
    """The hurry that this task is in; None where it has time."""
    found = _hurry.get()
    return None if found is None or found.over or sabotaged("request_patience") else found


@contextmanager
def hurried(seconds: float) -> Iterator[Hurry]:
    """Wait for no more than so many seconds, all together; what outlives the `with` block has time."""
    found = Hurry(seconds)
    token = _hurry.set(found)
    try:
        yield found
    finally:
        found.over = True
        _hurry.reset(token)


@contextmanager
def patient() -> Iterator[None]:
    """Take the time it needs: work that others share, and what a vendor gives only once."""
    token = _hurry.set(None)
    try:
        yield
    finally:
        _hurry.reset(token)


@asynccontextmanager
async def waiting() -> AsyncIterator[None]:
    """Around what only waits. Raises TryLater when that takes longer than the request has time."""
    found = hurry()
    if found is None:
        yield
        return
    begun = now()
    try:
        async with asyncio.timeout(found.seconds):
            yield
    except TimeoutError:
        raise TryLater(
            "Others hold what this needs (a lock, or all connections); nothing was lost, try again."
        ) from None
    finally:
        waited(begun)


def waited(since: float) -> None:
    """Take the time since then (see `now`) off what the request has left."""
    if found := hurry():
        found.left -= now() - since


def now() -> float:
    """Seconds of the event loop's clock."""
    return asyncio.get_running_loop().time()
