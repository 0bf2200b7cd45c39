"""Tokens: one refresh at a time, saved before use, refreshed once when refused; then the owner is asked."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from fastapi import Response
from fastapi.responses import JSONResponse
from sqlalchemy import text

from tests.collect.conftest import QUICK, connect, dispatch_of, keys
from tests.collect.connector import CONNECTOR, registry
from tests.collect.vendor import LIFE, Vendor
from tests.turning import TurningClock
from wattledger.collect import Collector
from wattledger.connectors.base import Token
from wattledger.errors import TryLater
from wattledger.faults import sabotage
from wattledger.signing import Clients
from wattledger.store import Store, open_store


async def refreshes_in_one_round(
    url: str, tmp_path: Path, store: Store, vendor: Vendor, clients: Clients, clock: TurningClock
) -> list[int]:
    """Eight stores, as eight processes have them, want a token at once, three times. Calls by round."""
    vendor.slow = 0.05
    row = await connect(store, "a")
    (connection,) = await dispatch_of(store).claim(1)
    assert connection.id == row.id
    counts = []
    async with AsyncExitStack() as stack:
        loops = []
        for _ in range(8):
            other = await open_store(url, data=tmp_path, parse=CONNECTOR.parse, vault=keys(), clock=clock)
            stack.push_async_callback(other.close)
            loops.append(Collector(dispatch_of(other), registry, clock, clients, QUICK))
        for _ in range(3):
            before = vendor.refreshes["a"]
            wanted = (loop.sign_in(CONNECTOR.grant, connection) for loop in loops)
            await asyncio.gather(*wanted, return_exceptions=True)
            counts.append(vendor.refreshes["a"] - before)
            clock.turn(seconds=LIFE.total_seconds())
    return counts


async def test_eight_at_once_refresh_once_a_round(
    database_url: str, tmp_path: Path, store: Store, vendor: Vendor, clients: Clients, clock: TurningClock
) -> None:
    counts = await refreshes_in_one_round(database_url, tmp_path, store, vendor, clients, clock)
    assert counts == [1, 1, 1]


async def test_sabotage_token_lock_is_noticed(
    database_url: str, tmp_path: Path, store: Store, vendor: Vendor, clients: Clients, clock: TurningClock
) -> None:
    with sabotage("token_lock"):
        counts = await refreshes_in_one_round(database_url, tmp_path, store, vendor, clients, clock)
    assert max(counts) > 1


async def test_a_token_is_refreshed_with_less_than_five_minutes_left(
    store: Store, collector: Collector, vendor: Vendor, clock: TurningClock
) -> None:
    row = await connect(store, "a")
    await collector.once()
    clock.turn(seconds=LIFE.total_seconds() - 301)
    await collector.once()
    assert vendor.refreshes["a"] == 1
    clock.turn(seconds=1)
    await store.connections.resume(row.id, None)
    await collector.once()
    assert vendor.refreshes["a"] == 2


async def test_a_refused_token_is_refreshed_once_and_the_fetch_repeated(
    store: Store, collector: Collector, vendor: Vendor
) -> None:
    row = await connect(store, "a")
    vendor.answers["a"] = [Response(status_code=401)]
    await collector.once()
    assert (vendor.refreshes["a"], vendor.reads["a"]) == (2, 2)
    assert (await store.connections.get(row.id, None)).state == "ok"


async def test_refused_twice_asks_the_owner_and_calls_no_more(
    store: Store, collector: Collector, vendor: Vendor, clock: TurningClock
) -> None:
    row = await connect(store, "a")
    vendor.answers["a"] = [Response(status_code=401) for _ in range(9)]
    await collector.once()
    for _ in range(20):
        clock.turn(hours=1)
        assert await collector.once() == 0
    assert (vendor.refreshes["a"], vendor.reads["a"]) == (2, 2)
    assert (await store.connections.get(row.id, None)).state == "needs_login"


async def test_invalid_grant_without_a_newer_token_asks_the_owner(
    store: Store, collector: Collector, vendor: Vendor
) -> None:
    row = await connect(store, "a")
    vendor.token_answers = [JSONResponse({"error": "invalid_grant"}, 400)]
    await collector.once()
    assert (await store.connections.get(row.id, None)).state == "needs_login"
    assert (vendor.refreshes["a"], vendor.reads["a"]) == (1, 0)


async def test_invalid_grant_reads_again_since_another_may_have_been_faster(
    store: Store, collector: Collector, vendor: Vendor
) -> None:
    await connect(store, "a")
    (connection,) = await collector.dispatch.claim(1)
    newer = {**vendor.issued("a", 1), "extra": {}}

    async def sibling() -> None:
        await store.connections.save_token(connection.id, newer, seen=0)

    vendor.before_token = sibling
    vendor.token_answers = [JSONResponse({"error": "invalid_grant"}, 400)]
    token = await collector.sign_in(CONNECTOR.grant, connection)
    assert (token.access, token.generation) == ("a-canary-1", 1)
    assert vendor.refreshes["a"] == 1


async def test_an_unclear_answer_is_asked_again_with_the_same_word(
    store: Store, collector: Collector, vendor: Vendor
) -> None:
    row = await connect(store, "a")
    vendor.token_answers = [Response(status_code=502), Response(status_code=500)]
    await collector.once()
    assert vendor.refreshes["a"] == 3
    assert (await store.connections.get(row.id, None)).state == "ok"


async def test_a_vendor_that_stays_down_is_tried_later(
    store: Store, collector: Collector, vendor: Vendor
) -> None:
    row = await connect(store, "a")
    vendor.token_answers = [Response(status_code=503) for _ in range(9)]
    await collector.once()
    assert vendor.refreshes["a"] == 3
    assert (await store.connections.get(row.id, None)).state == "late"


async def test_generations_only_rise(store: Store, clock: TurningClock) -> None:
    row = await connect(store, "a")
    dispatch = dispatch_of(store)
    (connection,) = await dispatch.claim(1)
    token = Token("one-canary", clock.now() + LIFE, "r", extra={"kind": "x"})
    async with dispatch.token(connection) as slot:
        assert slot.current is None
        await slot.save(token)
        assert slot.current == Token("one-canary", token.expires_at, "r", 1, {"kind": "x"})
    with pytest.raises(TryLater):
        await store.connections.save_token(row.id, {}, seen=0)


async def test_tokens_lie_sealed_and_open_in_their_own_row_only(store: Store, collector: Collector) -> None:
    one, two = await connect(store, "a"), await connect(store, "b")
    await collector.once()
    async with store.begin() as connection:
        rows = (await connection.execute(text("SELECT secrets, token FROM connection"))).all()
        assert "canary" not in str(rows)
        swap = "UPDATE connection SET token=(SELECT token FROM connection c WHERE c.id=:two) WHERE id=:one"
        await connection.execute(text(swap), {"one": one.id, "two": two.id})
    await store.connections.resume(one.id, None)
    await collector.once()
    assert (await store.connections.get(one.id, None)).state == "misconfigured"
    assert (await store.connections.get(two.id, None)).state == "ok"
