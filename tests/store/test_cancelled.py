"""Whoever is cancelled in the middle of a statement leaves no transaction open behind, on either engine."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest
from sqlalchemy import text

from wattledger.errors import TryLater
from wattledger.faults import sabotage
from wattledger.store import Store

SEED, TIMES = 20251121, 150


async def cancelled(store: Store, write: bool, after: int) -> None:
    """Begin, and be cancelled some turns of the loop later."""

    async def work() -> None:
        async with store.begin() if write else store.connect() as connection:
            await connection.execute(text("SELECT 1"))
            await asyncio.sleep(0.01)

    task = asyncio.create_task(work())
    for _ in range(after):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def many(store: Store) -> None:
    """Cancel a good many, and write after every few of them."""
    chance = random.Random(SEED)
    for _ in range(TIMES):
        await asyncio.gather(
            *(cancelled(store, chance.random() < 0.7, chance.randrange(1, 30)) for _ in range(3))
        )
        async with store.begin() as connection, asyncio.timeout(2):
            await connection.execute(text("UPDATE site SET name = name"))


async def test_a_cancelled_transaction_is_over(store: Store) -> None:
    await many(store)


async def test_sabotage_abandoned_begin_is_noticed(store: Store) -> None:
    if store.database.path is None:
        pytest.skip("PostgreSQL's driver ends what was cancelled itself")
    with sabotage("abandoned_begin"), pytest.raises(TryLater):
        await many(store)
