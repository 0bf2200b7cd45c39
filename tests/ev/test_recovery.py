"""A car whose account needs its owner: who is told what, what goes on meanwhile, and what brings it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from httpx2 import AsyncClient

from tests.ev.helpers import EMAIL, connected
from tests.ev.test_webhook import post
from tests.web.helpers import FakeClock, sign_in
from wattledger.cli.collector import collector
from wattledger.cli.runtime import Runtime
from wattledger.faults import sabotage
from wattledger.simulators import smartcar_events as events
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import named_id, second_car
from wattledger.store import Store
from wattledger.web.alerts.facts import seen

KIND = ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED")
TESLA, VOLKSWAGEN = "Tesla Model 3 2021", "Volkswagen ID.4 2023"


async def states(store: Store) -> list[str]:
    return sorted(row.state for row in await store.connections.list(None))


async def trouble(owner: AsyncClient, name: str) -> str | None:
    found: dict[str, Any] = {c["name"]: c for c in (await owner.get("/v1/ev/me/vehicles")).json()["vehicles"]}
    said: str | None = found[name]["trouble"]
    return said


async def locked_out(
    stranger: AsyncClient, vendor: SmartcarSimulator, clock: FakeClock, car: str | None = None
) -> None:
    """The vendor tells that a car's account lets it in no more, some time after the sign-in."""
    clock.move(timedelta(minutes=10))
    made = vendor.garage.of(vehicle=car)[0]
    error = events.vehicle_error(vendor, made, *KIND, clock.now())
    assert (await post(stranger, vendor, error)).status_code == 200


async def news(stranger: AsyncClient, vendor: SmartcarSimulator, clock: FakeClock) -> None:
    event = events.vehicle_state(vendor, vendor.garage.of()[0], clock.now())
    assert (await post(stranger, vendor, event)).status_code == 200


async def page(stranger: AsyncClient, store: Store, clock: FakeClock) -> str:
    await sign_in(stranger, store, EMAIL, clock.now())
    return (await stranger.get("/sources", headers={"accept": "text/html"})).text


async def test_a_car_alone_is_named_and_comes_back_by_signing_in(
    owner: AsyncClient, stranger: AsyncClient, runtime: Runtime, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    store = runtime.store
    await connected(owner)
    await locked_out(stranger, vendor, clock)
    assert await states(store) == ["needs_login"]
    assert "connect the car again" in (await trouble(owner, TESLA) or "")
    shown = await page(stranger, store, clock)
    assert f"choose the same cars: {TESLA}" in shown and ">Sign in again<" in shown
    assert "Asked soon." not in shown and "Not asked until then." in shown
    (source,) = (await seen(store, clock.now(), 30.0)).sources[(await store.sites.default()).id]
    assert source.title == f"Smartcar ({TESLA})", "the alert says whose sign-in it is"
    await connected(owner)
    await collector(runtime).once()
    assert await states(store) == ["ok"] and await trouble(owner, TESLA) is None
    assert ">Sign in again<" not in (await stranger.get("/sources", headers={"accept": "text/html"})).text


async def test_sabotage_webhook_recovers_is_noticed(
    owner: AsyncClient, stranger: AsyncClient, runtime: Runtime, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    store = runtime.store
    await connected(owner)

    async def back() -> bool:
        await locked_out(stranger, vendor, clock)
        clock.move(timedelta(minutes=30))
        await news(stranger, vendor, clock)
        assert await states(store) == ["needs_login"], "it may be older than the error"
        clock.move(timedelta(minutes=31))
        await news(stranger, vendor, clock)
        await collector(runtime).once()
        return await states(store) == ["ok"] and await trouble(owner, TESLA) is None

    assert await back()
    with sabotage("webhook_recovers"):
        assert not await back()


async def test_of_several_cars_one_is_affected(
    owner: AsyncClient, stranger: AsyncClient, runtime: Runtime, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    store = runtime.store
    vendor.add(extra := second_car())
    await connected(owner)
    await collector(runtime).once()
    await locked_out(stranger, vendor, clock, extra.id)
    assert await states(store) == ["ok"] and await trouble(owner, TESLA) is None
    shown = await page(stranger, store, clock)
    assert "connect the car again" in shown and f"choose the same cars: {TESLA}, {VOLKSWAGEN}" in shown
    await collector(runtime).once()
    assert await trouble(owner, VOLKSWAGEN) is None, "it answers: so nothing was wrong"
    assert await states(store) == ["ok"]


async def test_another_account_of_the_same_person_goes_on(
    owner: AsyncClient, stranger: AsyncClient, runtime: Runtime, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    store = runtime.store
    vendor.add(extra := second_car())
    vendor.desk.vehicles = [extra.id]
    await connected(owner)
    vendor.user = named_id("another account")
    vendor.desk.vehicles = [id for id in vendor.garage.vehicles if id != extra.id]
    await connected(owner)
    await collector(runtime).once()
    assert await states(store) == ["ok", "ok"]
    await locked_out(stranger, vendor, clock, extra.id)
    assert await states(store) == ["needs_login", "ok"]
    clock.move(timedelta(hours=7))
    await collector(runtime).once()
    assert await states(store) == ["needs_login", "ok"]
    assert await trouble(owner, TESLA) is None and await trouble(owner, VOLKSWAGEN)
