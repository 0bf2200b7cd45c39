"""The loop over a real vendor socket and the real store: what is due comes in, and faults stay apart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from fastapi import Response

from tests.collect.conftest import QUICK, connect, dispatch_of
from tests.collect.connector import SmallVendor, registry
from tests.collect.vendor import Vendor
from tests.turning import TurningClock
from wattledger.collect import Collector, next_mark
from wattledger.connectors.base import Connection
from wattledger.connectors.dispatch import Receipt
from wattledger.model import Payload
from wattledger.signing import Clients
from wattledger.store import Store
from wattledger.store.sources.dispatch import StoreDispatch


async def states(store: Store) -> dict[str, str]:
    return {row.options["account"]: row.state for row in await store.connections.list(None)}


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await true():
            await asyncio.sleep(0.02)


async def test_what_is_due_comes_in_and_is_due_again_later(
    store: Store, collector: Collector, clock: TurningClock
) -> None:
    row = await connect(store, "a")
    assert await collector.once() == 1
    assert await collector.once() == 0
    after = await store.connections.get(row.id, None)
    assert (after.state, after.next_poll_at) == ("ok", clock.now() + timedelta(minutes=30))
    (payload,) = await store.payloads.list(row.site, limit=5)
    assert (payload.state, payload.connector) == ("read", "small_vendor")
    (point,) = await store.points.list(row.site)
    assert point.external_id == "a"
    clock.turn(minutes=31)
    assert await collector.once() == 1
    assert len(await store.payloads.list(row.site, limit=5)) == 2


async def test_the_next_fetch_begins_where_the_stored_readings_end(
    store: Store, collector: Collector
) -> None:
    row = await connect(store, "a")
    await collector.once()
    await store.connections.resume(row.id, None)
    (claimed,) = await collector.dispatch.claim(1)
    assert claimed.newest is not None
    assert claimed.newest.isoformat() == "2026-02-16T06:00:00+00:00"


async def test_a_vendor_may_ask_to_be_polled_sooner(
    store: Store, collector: Collector, clock: TurningClock
) -> None:
    row = await connect(store, "a", again=5)
    await collector.once()
    assert (await store.connections.get(row.id, None)).next_poll_at == clock.now() + timedelta(minutes=5)


async def test_one_bad_account_delays_no_other(store: Store, collector: Collector, vendor: Vendor) -> None:
    vendor.hanging.add("hangs")
    for account in ("hangs", "a", "b", "c"):
        await connect(store, account)
    await connect(store, "breaks", fault=True)
    await connect(store, "gone", connector="no_such_vendor")
    every = dispatch_of(store, "small_vendor", "no_such_vendor")
    wide = Collector(every, registry, collector.clock, collector.clients, QUICK)
    stop, start = asyncio.Event(), time.monotonic()
    loop = asyncio.create_task(wide.run(stop))

    async def done() -> bool:
        found = await states(store)
        return found["hangs"] == "never" and [found[a] for a in ("a", "b", "c")] == ["ok"] * 3

    await until(done)
    stop.set()
    await loop
    assert time.monotonic() - start < 8
    assert await states(store) == {
        "hangs": "never", "a": "ok", "b": "ok", "c": "ok", "breaks": "late", "gone": "misconfigured"
    }  # fmt: skip


async def test_a_loop_that_is_stopped_leaves_its_work_to_the_next(
    store: Store, collector: Collector, vendor: Vendor, clock: TurningClock
) -> None:
    vendor.hanging.add("a")
    await connect(store, "a")
    stop = asyncio.Event()
    loop = asyncio.create_task(collector.run(stop))

    async def asked() -> bool:
        return vendor.reads["a"] > 0

    await until(asked)
    stop.set()
    await asyncio.wait_for(loop, 5)
    assert await collector.once() == 0
    vendor.hanging.clear()
    clock.turn(seconds=61)
    assert await collector.once() == 1
    assert await states(store) == {"a": "ok"}


async def test_a_slow_vendor_meets_a_deadline(
    store: Store, vendor: Vendor, clients: Clients, clock: TurningClock
) -> None:
    vendor.hanging.add("a")
    row = await connect(store, "a")
    pace = type(QUICK)(deadline=0.3)
    assert await Collector(dispatch_of(store), registry, clock, clients, pace).once() == 1
    after = await store.connections.get(row.id, None)
    assert after.state == "late"
    assert "too long" in str(after.last_error)


async def test_who_loses_the_lease_stops_and_changes_nothing(
    store: Store, collector: Collector, vendor: Vendor, clock: TurningClock
) -> None:
    vendor.hanging.add("a")
    row = await connect(store, "a")
    (mine,) = await collector.dispatch.claim(1)
    task = asyncio.create_task(collector.collect(mine))
    clock.turn(seconds=61)
    (theirs,) = await collector.dispatch.claim(1)
    await asyncio.wait_for(task, 5)
    assert (await store.connections.get(row.id, None)).state == "never"
    assert await collector.dispatch.renew(theirs)


async def test_a_vendors_pause_is_kept(
    store: Store, collector: Collector, vendor: Vendor, clock: TurningClock
) -> None:
    row = await connect(store, "a")
    vendor.answers["a"] = [Response(status_code=429, headers={"retry-after": "90"})]
    await collector.once()
    after = await store.connections.get(row.id, None)
    assert (after.state, after.next_poll_at) == ("late", clock.now() + timedelta(seconds=90))


async def test_a_vendor_that_is_not_there_is_tried_again(store: Store, clock: TurningClock) -> None:
    from tests.collect.conftest import clients_of

    row = await connect(store, "a")
    lost = Collector(dispatch_of(store), registry, clock, clients_of("http://127.0.0.1:9"), QUICK)
    assert await lost.once() == 1
    after = await store.connections.get(row.id, None)
    assert after.state == "late"
    assert "could not be reached" in str(after.last_error)


async def test_bytes_that_cannot_be_read_are_kept_and_stop_nothing(
    store: Store, collector: Collector, vendor: Vendor
) -> None:
    row = await connect(store, "a")
    vendor.answers["a"] = [Response(content=b"<html>", media_type="text/html")]
    await collector.once()
    (payload,) = await store.payloads.list(row.site, limit=5)
    assert payload.state == "rejected"
    assert await store.payloads.body(payload.id, row.site) == b"<html>"
    assert await states(store) == {"a": "ok"}


class Lying(StoreDispatch):
    """Answers with another digest."""

    async def deliver(self, connection: Connection, payload: Payload) -> Receipt:
        receipt = await super().deliver(connection, payload)
        return Receipt(receipt.id, "0" * 64, receipt.size, receipt.duplicate)


async def test_a_receipt_that_differs_is_no_receipt(store: Store, collector: Collector) -> None:
    row = await connect(store, "a")
    lying = Lying(store.payloads, store.connections, ("small_vendor",))
    await Collector(lying, registry, collector.clock, collector.clients, QUICK).once()
    assert "not what was sent" in str((await store.connections.get(row.id, None)).last_error)


@pytest.mark.parametrize("connectors", [("other_vendor",), ()])
async def test_a_hub_never_claims_what_is_a_relays(
    store: Store, collector: Collector, vendor: Vendor, connectors: tuple[str, ...]
) -> None:
    await connect(store, "a")
    hub = StoreDispatch(store.payloads, store.connections, connectors)
    assert await Collector(hub, registry, collector.clock, collector.clients, QUICK).once() == 0
    assert not vendor.refreshes


@pytest.mark.parametrize(
    ("aligned", "at", "then"),
    [
        (True, "12:00:00", "12:05:00"),
        (True, "12:00:01", "12:05:00"),
        (True, "12:04:59.999", "12:05:00"),
        (True, "23:58:00", "00:00:00"),
        (False, "12:04:59", "12:09:59"),
    ],
)
def test_polls_fall_on_marks_where_a_connector_wants_it(aligned: bool, at: str, then: str) -> None:
    class Small(SmallVendor):
        every = timedelta(minutes=5)

    Small.aligned = aligned
    assert f"{next_mark(Small(), datetime.fromisoformat(f'2026-03-08T{at}Z')):%H:%M:%S}" == then
