"""Letting cars go while their vendor is away: it is told again until it knows, and only then tokens go."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient, TransportError

from tests.cli.test_serve import SECONDS
from tests.ev.helpers import EMAIL, bearer, connected, consented, landed
from tests.ev.processes import place
from tests.web.helpers import FakeClock, sign_in
from wattledger.cli.collector import collector
from wattledger.cli.runtime import Runtime
from wattledger.connectors.base import ENDING
from wattledger.faults import sabotage
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import second_car
from wattledger.simulators.smartcar_script import ALWAYS
from wattledger.store import Store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.web.contracts.ev.keep import _tidy

WAY = {"v2": "/application", "v3": "/v3/connections/"}
"""by generation: a piece of the address by which access is ended"""
both = pytest.mark.parametrize("api", ["v2", "v3"])


async def row_of(store: Store) -> ConnectionRow:
    return (await store.connections.list(None))[0]


async def kept(store: Store, id: str) -> bool:
    """Whether the token is still there."""
    async with store.connections.token(id) as slot:
        return slot.current is not None


async def later(runtime: Runtime, clock: FakeClock, **time: float) -> None:
    """Time passes, and a process that was started anew collects what is due."""
    clock.move(timedelta(**time))
    await collector(runtime).once()


async def let_go(owner: AsyncClient) -> dict[str, Any]:
    answer = await owner.post("/v1/ev/disconnect")
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


@both
async def test_a_vendor_that_is_away_is_told_again(
    owner: AsyncClient,
    stranger: AsyncClient,
    runtime: Runtime,
    vendor: SmartcarSimulator,
    clock: FakeClock,
    api: str,
) -> None:
    store = runtime.store
    await connected(owner)
    vendor.script.fail(WAY[api], 503, times=ALWAYS, method="DELETE")
    said = await let_go(owner)
    assert not said["revoked"] and "not confirmed" in said["message"]
    row = await row_of(store)
    assert row.state == "disconnected" and row.next_poll_at and await kept(store, row.id)
    await sign_in(stranger, store, EMAIL, clock.now())
    shown = (await stranger.get("/sources", headers={"accept": "text/html"})).text
    assert "Tesla Model 3 2021: removed; Smartcar has not confirmed it yet" in shown
    pauses = []
    for _ in range(5):
        row = await row_of(store)
        assert row.next_poll_at
        pauses.append(row.next_poll_at - clock.now())
        await later(runtime, clock, seconds=pauses[-1].total_seconds())
    assert pauses[0] <= timedelta(seconds=30) and pauses[-1] >= 4 * pauses[0], pauses
    vendor.script.faults.clear()
    await later(runtime, clock, hours=1)
    row = await row_of(store)
    assert vendor.garage.of() == [] and not await kept(store, row.id)
    assert (row.state, row.next_poll_at, row.last_error) == ("disconnected", None, None)
    assert ENDING not in row.options
    shown = (await stranger.get("/sources", headers={"accept": "text/html"})).text
    assert "not confirmed" not in shown


async def test_a_token_that_is_dead_is_not_kept(
    owner: AsyncClient, stranger: AsyncClient, runtime: Runtime, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    store = runtime.store
    await connected(owner)
    vendor.script.fail("/application", 503)
    assert not (await let_go(owner))["revoked"]
    vendor.issuer.revoke()
    await later(runtime, clock, days=1)
    row = await row_of(store)
    assert row.next_poll_at is None and not await kept(store, row.id) and ENDING not in row.options
    await sign_in(stranger, store, EMAIL, clock.now())
    shown = (await stranger.get("/sources", headers={"accept": "text/html"})).text
    assert "Smartcar could not be told; take our access away" in shown
    clock.move(timedelta(days=8))
    await sign_in(stranger, store, EMAIL, clock.now())
    assert "could not be told" not in (await stranger.get("/sources", headers={"accept": "text/html"})).text


@pytest.mark.parametrize("api", ["v3"])
async def test_a_vendor_that_refuses_is_not_asked_again(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    await connected(owner)
    vendor.script.error("/v3/connections/", "PERMISSION", times=ALWAYS, v3=True, method="DELETE")
    said = await let_go(owner)
    assert not said["revoked"] and "could not be told" in said["message"]
    row = await row_of(store)
    assert row.next_poll_at is None and not await kept(store, row.id) and ENDING not in row.options


@both
async def test_one_of_several_cars(
    owner: AsyncClient, runtime: Runtime, vendor: SmartcarSimulator, clock: FakeClock, api: str
) -> None:
    store = runtime.store
    vendor.add(second_car())
    first = await connected(owner)
    gone = (await store.vehicles.get(first, None)).external_id
    vendor.script.fail(WAY[api], 503, method="DELETE")
    said = (await owner.delete(f"/v1/ev/me/vehicles/{first}")).json()
    assert not said["revoked"] and "not confirmed" in said["message"]
    row = await row_of(store)
    assert row.state == "ok" and row.options[ENDING], "the other car goes on"
    await later(runtime, clock, hours=7)
    assert {grant.vehicle.id for grant in vendor.garage.of()} == set(vendor.garage.vehicles) - {gone}
    row = await row_of(store)
    assert row.state == "ok" and ENDING not in row.options and await kept(store, row.id)


@both
async def test_a_car_that_is_connected_again_is_not_ended(
    owner: AsyncClient, runtime: Runtime, vendor: SmartcarSimulator, clock: FakeClock, api: str
) -> None:
    store = runtime.store
    await connected(owner)
    vendor.script.fail(WAY[api], 503, times=ALWAYS, method="DELETE")
    await let_go(owner)
    vendor.script.faults.clear()
    back = await consented(owner)
    await later(runtime, clock, minutes=2)
    assert "vehicle_id" in landed(await owner.get(back)), "nothing was ended while it was granted anew"
    await later(runtime, clock, hours=7)
    assert len(vendor.garage.of()) == 1
    old, new = sorted(await store.connections.list(None), key=lambda row: row.state)
    assert (old.state, new.state) == ("disconnected", "ok")
    assert old.next_poll_at is None and not await kept(store, old.id) and await kept(store, new.id)


async def test_a_connection_whose_cars_moved_to_another_keeps_its_token_until_then(
    owner: AsyncClient, runtime: Runtime, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    """One of two cars is let go, unheard by the vendor; the other one is then reached by another account."""
    store = runtime.store
    vendor.add(second_car())
    first = await connected(owner)
    gone = (await store.vehicles.get(first, None)).external_id
    rest = [id for id in vendor.garage.vehicles if id != gone]
    vendor.script.fail("/application", 503, method="DELETE")
    await owner.delete(f"/v1/ev/me/vehicles/{first}")
    old = await row_of(store)
    new = await store.connections.create(old.site, old.connector, {"api": "v2"}, {"api": "v2"})
    await store.vehicles.link(new.id, old.site, None, rest)
    await _tidy(store, old.site, "tests")
    assert (await store.connections.get(old.id, None)).state == "disconnected" and await kept(store, old.id)
    await later(runtime, clock, seconds=1)
    assert {grant.vehicle.id for grant in vendor.garage.of()} == set(rest)
    assert not await kept(store, old.id)


async def test_a_hub_killed_before_it_told_the_vendor(database_url: str, tmp_path: Path) -> None:
    async with place(tmp_path / "home", database_url) as home, home.store() as store:
        headers = await bearer(store, EMAIL)
        async with home.hub("kill:web.cars_let_go=1") as hub, home.browser(headers) as owner:
            await connected(owner)
            with pytest.raises(TransportError):
                await owner.post("/v1/ev/disconnect")
            assert await asyncio.to_thread(hub.process.wait, SECONDS) == -signal.SIGKILL
        assert home.vendor.garage.of() and await kept(store, (await row_of(store)).id)
        async with home.hub():
            async with asyncio.timeout(SECONDS):
                while await kept(store, (await row_of(store)).id):
                    await asyncio.sleep(0.2)
        assert home.vendor.garage.of() == []


async def test_sabotage_told_again_is_noticed(
    owner: AsyncClient, runtime: Runtime, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    async def told() -> bool:
        await connected(owner)
        vendor.script.fail("/application", 503)
        await let_go(owner)
        await later(runtime, clock, hours=2)
        return vendor.garage.of() == []

    assert await told()
    with sabotage("told_again"):
        assert not await told()
