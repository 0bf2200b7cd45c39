"""What one stage of a cycle hands to the next while both run."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterable

from wattledger.relay.item import Item


class Stream:
    """Items in order; it ends once the stage before has ended and all was taken. Of one event loop."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items = deque(items)
        self._ended = False
        self._news = asyncio.Event()

    def put(self, items: Iterable[Item]) -> None:
        """Hand over items that lie in the spool, whole."""
        self._items.extend(items)
        self._news.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._news.set()

    async def take(self, most: int) -> list[Item]:
        """The next items, at most so many, as soon as there is one; none at the end."""
        while not self._items and not self._ended:
            self._news.clear()
            await self._news.wait()
        return [self._items.popleft() for _ in range(min(most, len(self._items)))]


async def together(*stages: Awaitable[None]) -> None:
    """Run stages side by side until every one has ended; then raises what the first of them raised."""
    for error in await asyncio.gather(*stages, return_exceptions=True):
        if error is not None:
            raise error
