"""Strict rotation under many hands: one refresh a round, nobody locked out, lost answers recovered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.smartthings.test_road import OurSmartThings, client, clock, collector, ours, store
from tests.turning import TurningClock
from tests.turns import turns
from wattledger.collect import Collector
from wattledger.collect import Pace as LoopPace
from wattledger.connectors.http import open_client
from wattledger.connectors.smartthings.auth import OAuth
from wattledger.errors import LoginRequired
from wattledger.secrets import Vault
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store import Store, open_store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.dispatch import StoreDispatch

__all__ = ["clock", "collector", "ours", "store"]
Loops = list[Collector]


async def signed_in(store: Store, vendor: SmartThingsSimulator) -> ConnectionRow:
    """A connection as after the owner's consent: secrets of the app, and its first pair in the slot."""
    issuer = vendor.issuer
    app = OAuth(issuer.client_id, issuer.client_secret, issuer.redirect_uri, vendor.url, clock=vendor.clock)
    async with open_client(vendor.url) as http:
        token = await app.exchange(issuer.code(), http)
    site = await store.sites.default()
    secrets = {"client_id": issuer.client_id, "client_secret": issuer.client_secret}
    row = await store.connections.create(site.id, "smartthings", {"base_url": vendor.url}, secrets)
    until = token.expires_at.isoformat()
    kept = {"access": token.access, "expires_at": until, "refresh": token.refresh, "extra": dict(token.extra)}
    async with store.connections.token(row.id) as slot:
        await slot.save(kept)
    return row


@asynccontextmanager
async def eight_loops(
    url: str, data: Path, ours: OurSmartThings, clock: TurningClock
) -> AsyncIterator[Loops]:
    """Eight collectors, each with a store of its own as eight processes have them."""
    vault, loops = Vault({"a": b"k" * 32}), []
    async with AsyncExitStack() as stack:
        for _ in range(8):
            other = await open_store(url, data=data, parse=ours.parse, vault=vault, clock=clock)
            stack.push_async_callback(other.close)
            dispatch = StoreDispatch(other.payloads, other.connections, ["smartthings"])
            loops.append(Collector(dispatch, lambda _: ours, clock, client, LoopPace(refresh_again=(0.01,))))
        yield loops


@pytest.mark.parametrize("most", [10, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_eight_at_once_make_one_refresh_a_round(
    vendor: SmartThingsSimulator,
    store: Store,
    database_url: str,
    tmp_path: Path,
    ours: OurSmartThings,
    clock: TurningClock,
    most: int,
    record_property: Callable[[str, object], None],
) -> None:
    row = await signed_in(store, vendor)
    assert ours.grant
    vendor.calls[:] = []
    async with eight_loops(database_url, tmp_path, ours, clock) as loops:
        (held,) = await loops[0].dispatch.claim(1)
        rounds = 0
        for _ in turns(most):
            rounds += 1
            clock.turn(hours=24)
            tokens = await asyncio.gather(*(loop.sign_in(ours.grant, held) for loop in loops))
            assert len({token.access for token in tokens}) == 1
            assert vendor.issuer.accepts(tokens[0].access)
        await loops[0].collect(held)
    calls = vendor.asked("/oauth/token")
    record_property("rounds", rounds)
    record_property("refreshers", 8)
    record_property("vendor_calls", calls)
    assert calls == rounds
    assert (await store.connections.get(row.id, None)).state == "ok"


@pytest.mark.parametrize("grace", [60, 0])
async def test_a_lost_answer_is_recovered_within_the_grace(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, clock: TurningClock, grace: float
) -> None:
    row = await signed_in(store, vendor)
    vendor.issuer.grace = grace
    vendor.script.lose("/oauth/token")
    clock.turn(hours=24)
    await collector.once()
    assert (await store.connections.get(row.id, None)).state == ("ok" if grace else "needs_login")


async def test_a_refused_refresh_is_tried_once(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, clock: TurningClock
) -> None:
    row = await signed_in(store, vendor)
    vendor.issuer.revoke()
    for _ in range(5):
        clock.turn(hours=24)
        await collector.once()
    assert (await store.connections.get(row.id, None)).state == "needs_login"
    assert vendor.asked("/oauth/token") == 2  # the sign-in itself, and one refresh


async def test_a_token_refused_early_is_refreshed_once(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, ours: OurSmartThings
) -> None:
    row = await signed_in(store, vendor)
    vendor.issuer.access.clear()
    await collector.once()
    assert (await store.connections.get(row.id, None)).state == "ok"
    assert ours.grant
    assert LoginRequired.__name__ not in str((await store.connections.get(row.id, None)).last_error)
