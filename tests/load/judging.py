"""What must hold after the load: no acknowledged file lost, none counted twice, every row accounted for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import func, select

from tests.load.files import Files, recounted
from wattledger import connectors
from wattledger.clock import SystemClock
from wattledger.localday import day as calendar
from wattledger.localday import number
from wattledger.model import Flow, Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.tables import payload as table


async def opened(url: str, data: Path) -> Store:
    """The ledger of an installation, from here."""
    return await open_store(url, data=data, parse=connectors.parse, vault=Vault({}))


async def settled(store: Store, seconds: float) -> float:
    """Wait until no payload waits to be read; the seconds that took."""
    begin = monotonic()
    waiting = select(func.count()).where(table.c.state == "stored")
    while True:
        async with store.connect() as connection:
            left = await connection.scalar(waiting)
        if not left:
            return monotonic() - begin
        assert monotonic() < begin + seconds, f"stuck: {left} payloads are not read"
        await asyncio.sleep(0.2)


async def judge(store: Store, files: Files, sent: int, acked: Collection[str], folder: Path) -> int:
    """I1, I2 and I3 after the first `sent` files. Returns the rows that were counted."""
    rows = await _archived(store, sent, acked)
    sound = await opened(f"sqlite:///{folder / 'sound.db'}", folder)
    try:
        site = (await sound.sites.default()).id
        for body in files.joined(sent):
            now = SystemClock().now()
            await sound.payloads.deliver(site, Payload("smart_meter_texas", Source.RELAY, body, now))
        assert await store.digest() == await sound.digest(), "a Wh differs from an undisturbed store"
    finally:
        await sound.close()
    expected = recounted(files.body(n) for n in range(sent))
    assert await _sums(store) == expected, "a day's Wh differs from the recount"
    return rows


async def _archived(store: Store, sent: int, acked: Collection[str]) -> int:
    kept: Counter[str] = Counter()
    rows, unsound = 0, list[Any]()
    async for row in _payloads(store):
        kept[row.sha256] += 1
        told = row.summary
        parts = (told["accepted"], told["superseded"], told["rejected"], told["blank"])
        if row.state != "read" or not told["rows"] == sum(parts) > 0:
            unsound.append(told)
        rows += told["rows"]
    lost = set(acked) - kept.keys()
    assert not lost, f"lost: {len(lost)} of {len(acked)} acknowledged files are not in the archive"
    assert set(kept.values()) <= {1}, "doubled: a file has two payloads"
    assert not unsound, f"not conserved: {unsound[0]}"
    assert len(kept) == len(acked) == sent, f"{len(kept)} payloads, {len(acked)} acknowledged, {sent} sent"
    for sha256 in kept:
        await store.bodies.read(sha256)  # raises where the bytes are others
    return rows


async def _payloads(store: Store, at_once: int = 2000) -> AsyncIterator[Any]:
    """Every payload, some at a time: there are a hundred thousand after an hour."""
    last, query = 0, select(table.c.id, table.c.sha256, table.c.state, table.c.summary).order_by(table.c.id)
    while True:
        async with store.connect() as connection:
            found = (await connection.execute(query.where(table.c.id > last).limit(at_once))).all()
        for row in found:
            yield row
        if not found:
            return
        last = found[-1].id


async def _sums(store: Store) -> dict[tuple[str, date], int]:
    found: dict[tuple[str, date], int] = {}
    for point in await store.points.list(None):
        days = await store.energy.days(
            point.id, Flow.DELIVERED, number(date(2014, 1, 1)), number(date(2060, 1, 1))
        )
        found |= {(point.external_id, calendar(block.day)): int(block.total_wh) for block in days}
    return found
