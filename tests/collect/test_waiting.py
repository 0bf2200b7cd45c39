"""What vendors push is read at once, beside the request, by whoever collects."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.collect.conftest import keys
from tests.collect.test_pointwise import said
from wattledger.cli import collector
from wattledger.cli.runtime import Runtime
from wattledger.clock import SystemClock
from wattledger.config import load_settings
from wattledger.store import Store


async def state_of(store: Store, id: int | None) -> str:
    return (await store.payloads.get(id or 0)).state


async def test_a_push_is_read_at_once(store: Store, tmp_path: Path) -> None:
    runtime = Runtime(load_settings(tmp_path, {}), keys(), store, SystemClock())
    site, stop = (await store.sites.default()).id, asyncio.Event()
    async with collector.collecting(runtime, stop):
        await asyncio.sleep(0.2)
        began = time.monotonic()
        receipts = [
            await store.payloads.receive(site, said("a", SystemClock().now()), str(n)) for n in range(3)
        ]
        while {await state_of(store, one.id) for one in receipts} == {"stored"}:
            await asyncio.sleep(0.02)
        assert time.monotonic() - began < collector.ORPHANS_EVERY_SECONDS / 2


async def test_either_event_or_the_time_ends_the_wait() -> None:
    one, other = asyncio.Event(), asyncio.Event()
    other.set()
    for first, second in ((one, other), (other, one)):
        async with asyncio.timeout(1):
            await collector.either(first, second, 30)
    async with asyncio.timeout(1):
        await collector.either(one, one, 0.01)
