"""Strict rotation under many hands: one refresh a round, nobody locked out, lost answers recovered."""

from __future__ import annotations

import asyncio

import pytest

from tests.smartthings.test_road import OurSmartThings, clock, collector, ours, store
from tests.turning import TurningClock
from wattledger.collect import Collector
from wattledger.connectors.http import open_client
from wattledger.connectors.smartthings.auth import OAuth
from wattledger.errors import LoginRequired
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store import Store
from wattledger.store.sources.connections import ConnectionRow

__all__ = ["clock", "collector", "ours", "store"]


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


async def test_eight_at_once_make_one_refresh_a_round(
    vendor: SmartThingsSimulator,
    store: Store,
    collector: Collector,
    ours: OurSmartThings,
    clock: TurningClock,
) -> None:
    await signed_in(store, vendor)
    (held,) = await collector.dispatch.claim(1)
    assert ours.grant
    rounds, vendor.calls[:] = 10, []
    for _ in range(rounds):
        clock.turn(hours=24)
        tokens = await asyncio.gather(*(collector.sign_in(ours.grant, held) for _ in range(8)))
        assert len({token.access for token in tokens}) == 1
        assert vendor.issuer.accepts(tokens[0].access)
    assert vendor.asked("/oauth/token") == rounds


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
