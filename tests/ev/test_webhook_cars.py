"""Whose news a call is: unknown cars, other people's, several at once, and errors of an account."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.ev.helpers import connected
from tests.ev.test_webhook import counted, grant, post, state, stored
from tests.web.helpers import FakeClock
from wattledger.faults import sabotage
from wattledger.simulators import smartcar_events as events
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import second_car
from wattledger.store import Store


async def test_an_unknown_car_is_acknowledged_and_not_stored(
    stranger: AsyncClient, owner: AsyncClient, app: FastAPI, store: Store, vendor: SmartcarSimulator
) -> None:
    await connected(owner)
    text = json.dumps(state(vendor)).replace(grant(vendor).vehicle.id, "0" * 36)
    assert (await post(stranger, vendor, text.encode())).status_code == 200
    assert await stored(store) == 0 and await counted(owner, app, "unknown")


async def test_a_car_that_was_let_go_is_unknown(
    stranger: AsyncClient, owner: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    await connected(owner)
    event = state(vendor)
    await owner.post("/v1/ev/disconnect")
    assert (await post(stranger, vendor, event)).status_code == 200
    assert await stored(store) == 0


async def test_an_error_of_the_account_asks_its_owner(
    stranger: AsyncClient, owner: AsyncClient, store: Store, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    await connected(owner)
    now, made = vendor.clock.now(), grant(vendor)
    kind = ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED")
    clock.move(timedelta(minutes=10))
    healed = events.vehicle_error(vendor, made, *kind, now, resolved=True)
    assert (await post(stranger, vendor, healed)).status_code == 200
    assert (await store.connections.list(None))[0].state != "needs_login"
    trial = events.vehicle_error(vendor, made, *kind, now, mode="TEST")
    assert (await post(stranger, vendor, trial)).status_code == 200
    assert (await store.connections.list(None))[0].state != "needs_login"
    error = events.vehicle_error(vendor, made, *kind, now)
    assert (await post(stranger, vendor, error)).status_code == 200
    assert (await store.connections.list(None))[0].state == "needs_login"
    over = events.vehicle_error(vendor, made, *kind, now, resolved=True)
    assert (await post(stranger, vendor, over)).status_code == 200
    row = (await store.connections.list(None))[0]
    assert (row.state, row.next_poll_at) == ("late", clock.now()), "it is over, and polling will tell"
    await connected(owner)
    fresh = events.vehicle_error(vendor, made, *kind, now)
    assert (await post(stranger, vendor, fresh)).status_code == 200
    assert (await store.connections.list(None))[0].state != "needs_login", "sent before the owner signed in"
    assert (await post(stranger, vendor, error)).status_code == 200
    assert (await store.connections.list(None))[0].state != "needs_login", "an old event is not news"


async def test_a_location_that_is_turned_off_never_gets_in(
    stranger: AsyncClient, owner: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    car = await connected(owner)
    await owner.patch(f"/v1/ev/me/vehicles/{car}", json={"location": False})
    assert (await post(stranger, vendor, state(vendor))).status_code == 200
    row = (await store.payloads.list(None, source="webhook"))[0]
    body = await store.bodies.read(row.sha256)
    assert b"latitude" not in body and b"stateofcharge" in body
    await store.payloads.read_orphans()
    told = (await owner.get("/v1/ev/me/telemetry/history")).json()["telemetry"]
    assert told and all(one["latitude"] is None for one in told)


@pytest.mark.parametrize("api", ["v3"])
async def test_another_persons_account_is_not_believed(
    owner: AsyncClient, stranger: AsyncClient, app: FastAPI, store: Store, vendor: SmartcarSimulator
) -> None:
    """v3 names the account: the same car under another one is no news of ours."""
    await connected(owner)
    text = json.dumps(state(vendor)).replace(vendor.user, "0" * 36)

    async def kept_out() -> bool:
        before = await stored(store)
        assert (await post(stranger, vendor, text.encode())).status_code == 200
        return await stored(store) == before

    assert await kept_out() and await counted(owner, app, "other_user")
    with sabotage("webhook_user"):
        assert not await kept_out()


async def test_several_cars_in_one_call_are_kept_apart(
    owner: AsyncClient,
    neighbour: AsyncClient,
    stranger: AsyncClient,
    store: Store,
    vendor: SmartcarSimulator,
) -> None:
    """A scheduled call of version 2.0 may speak of cars of two sites: each gets its own car alone."""
    extra = second_car()
    vendor.garage.vehicles[extra.id] = extra
    mine, theirs = vendor.garage.vehicles
    vendor.desk.vehicles = [mine]
    await connected(owner)
    vendor.desk.vehicles = [theirs]
    await connected(neighbour)
    cars = [scheduled(mine, 0.41, 30.1), scheduled(theirs, 0.83, 40.2)]
    event = {"version": "2.0", "webhookId": "w", "eventName": "schedule", "payload": {"vehicles": cars}}
    assert (await post(stranger, vendor, event)).status_code == 200
    bodies = {}
    for row in await store.payloads.list(None, source="webhook"):
        bodies[row.headers["vehicle"]] = (row.site, await store.bodies.read(row.sha256))
    assert set(bodies) == {mine, theirs} and bodies[mine][0] != bodies[theirs][0]
    assert theirs.encode() not in bodies[mine][1] and mine.encode() not in bodies[theirs][1]


def scheduled(car: str, soc: float, latitude: float) -> dict[str, Any]:
    """One car of a scheduled call."""
    when = {"sc-data-age": "2026-06-15T08:00:00Z"}
    data = [
        {"path": "/battery", "code": 200, "body": {"percentRemaining": soc}, "headers": when},
        {"path": "/location", "code": 200, "body": {"latitude": latitude, "longitude": 1.0}, "headers": when},
    ]
    return {"vehicleId": car, "requestId": f"r-{car}", "timestamp": "2026-06-15T08:00:00Z", "data": data}


async def test_one_cars_error_stops_no_other_car(
    stranger: AsyncClient, owner: AsyncClient, store: Store, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    extra = second_car()
    vendor.garage.vehicles[extra.id] = extra
    await connected(owner)
    clock.move(timedelta(minutes=10))
    made = vendor.garage.of(vehicle=extra.id)[0]
    kind = ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED")

    async def isolated() -> bool:
        error = events.vehicle_error(vendor, made, *kind, clock.now())
        assert (await post(stranger, vendor, error)).status_code == 200
        return (await store.connections.list(None))[0].state != "needs_login"

    assert await isolated()
    listed = {c["name"]: c["trouble"] for c in (await owner.get("/v1/ev/me/vehicles")).json()["vehicles"]}
    assert listed["Tesla Model 3 2021"] is None and "connect the car again" in listed["Volkswagen ID.4 2023"]
    with sabotage("webhook_one_car"):
        assert not await isolated()
