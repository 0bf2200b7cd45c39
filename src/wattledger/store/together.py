"""Look-ups that are asked for at the same moment share a statement: many small reads cost as much as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from wattledger.store.patience import patient, waiting

T = TypeVar("T")
MOST = 500


class Together(Generic[T]):
    """Finds values by key with `work`, which is given all keys that wait. What is found is never older than
    the question."""

    def __init__(self, work: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]]) -> None:
        self._work = work
        self._queue: list[tuple[str, asyncio.Future[T | None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def find(self, key: str) -> T | None:
        """The value of a key, None where there is none. Raises what `work` raises."""
        answer: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._queue.append((key, answer))
        if self._running is None or self._running.done():
            with patient():
                self._running = asyncio.create_task(self._run())
        async with waiting():
            return await answer

    async def _run(self) -> None:
        while self._queue:
            batch, self._queue = self._queue[:MOST], self._queue[MOST:]
            try:
                found = await self._work(sorted({key for key, _ in batch}))
            except Exception as error:
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for key, answer in batch:
                if not answer.done():  # its request may be gone
                    answer.set_result(found.get(key))
