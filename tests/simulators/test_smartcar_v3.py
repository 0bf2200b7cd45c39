"""The simulated Smartcar, v3: application token, connections, signals that need a subscription, errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.turning import TurningClock
from wattledger.connectors.http import open_client
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import second_car


@pytest.fixture
def clock() -> TurningClock:
    return TurningClock()


@pytest.fixture
async def vendor(clock: TurningClock) -> AsyncIterator[SmartcarSimulator]:
    async with SmartcarSimulator(clock=clock) as simulator:
        simulator.link(external_id="e1")
        yield simulator


@pytest.fixture
async def http(vendor: SmartcarSimulator) -> AsyncIterator[AsyncClient]:
    async with open_client(vendor.url) as client:
        form = {"grant_type": "client_credentials", "client_id": vendor.app.client_id}
        answer = await client.post("/oauth2/token", json={**form, "client_secret": vendor.app.client_secret})
        client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        client.headers["sc-user-id"] = vendor.user
        yield client


async def signals(http: AsyncClient, id: str) -> dict[str, Any]:
    answer = await http.get(f"/v3/vehicles/{id}/signals")
    assert answer.status_code == 200
    return {item["id"]: item for item in answer.json()["data"]}


async def subscribe(vendor: SmartcarSimulator, http: AsyncClient, id: str) -> int:
    wanted = {"webhookId": vendor.webhooks[0].id, "userId": vendor.user, "vehicleId": id}
    answer = await http.post("/v3/subscriptions", json={"data": {"attributes": wanted}})
    return int(answer.status_code)


async def test_the_application_s_token_by_form_too(vendor: SmartcarSimulator, http: AsyncClient) -> None:
    form = {"grant_type": "client_credentials", "client_id": vendor.app.client_id, "client_secret": "x"}
    wrong = await http.post("/oauth2/token", data=form)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    right = await http.post("/oauth2/token", data={**form, "client_secret": vendor.app.client_secret})
    assert right.json()["expires_in"] == 3600
    vendor.app.expire()
    assert (await http.get("/v3/connections")).status_code == 401


async def test_connections_have_pages_filters_and_a_mode(
    vendor: SmartcarSimulator, http: AsyncClient
) -> None:
    for n in range(11):
        car = second_car()
        car.id = f"car-{n}"
        vendor.add(car)
    vendor.link(external_id="e1", mode="simulated")
    del http.headers["sc-user-id"]
    assert (await http.get("/v3/connections")).json()["data"] == []
    query = {"filter[vehicle.mode]": "simulated", "filter[userId]": vendor.user}
    first = (await http.get("/v3/connections", params=query)).json()
    assert (len(first["data"]), first["meta"]["totalCount"], first["links"]["prev"]) == (10, 12, None)
    rest = (await http.get(first["links"]["next"].removeprefix(vendor.url))).json()
    assert (len(rest["data"]), rest["links"]["next"]) == (2, None)
    assert rest["data"][0]["attributes"]["user"] == {"id": vendor.user, "externalId": "e1"}
    one = f"/v3/connections/{rest['data'][0]['id']}"
    assert (await http.get(one)).json()["data"] == rest["data"][0]
    assert [(await http.delete(one)).status_code for _ in range(2)] == [204, 404]
    assert (await http.delete(f"/v3/users/{vendor.user}")).status_code == 204
    assert vendor.garage.grants == []


async def test_signals_come_after_a_subscription_only(vendor: SmartcarSimulator, http: AsyncClient) -> None:
    (car,) = vendor.cars
    one = f"/v3/vehicles/{car.id}/signals/tractionbattery-stateofcharge"
    assert await signals(http, car.id) == {}
    assert (await http.get(one)).status_code == 404
    assert [await subscribe(vendor, http, car.id) for _ in range(2)] == [202, 409]
    found = await signals(http, car.id)
    state = car.seen(vendor.clock.now())
    assert found["tractionbattery-stateofcharge"]["attributes"]["body"]["value"] == round(state.soc * 100)
    assert (await http.get(one)).json()["data"] == found["tractionbattery-stateofcharge"]
    assert vendor.billed(car.id) == 4
    (listed,) = (await http.get("/v3/subscriptions")).json()["data"]
    assert (await http.delete(f"/v3/subscriptions/{listed['id']}")).status_code == 204
    assert await signals(http, car.id) == {}


async def test_an_idle_car_s_wattage_is_an_error_with_an_old_value(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    (car,) = vendor.cars
    await subscribe(vendor, http, car.id)
    found = await signals(http, car.id)
    wattage, soc = found["charge-wattage"], found["tractionbattery-stateofcharge"]
    assert wattage["attributes"]["status"]["error"]["code"] == "NOT_CHARGING"
    assert wattage["attributes"]["body"]["value"] in (7200, 6600, 92000)
    assert wattage["meta"]["oemUpdatedAt"] < soc["meta"]["oemUpdatedAt"]
    soon = clock.now() + timedelta(days=8)
    begins = next(t for t in car.car.changes(clock.now(), soon) if car.car.state_at(t).charging)
    clock.turn(seconds=(begins - clock.now()).total_seconds() + 600)
    vendor.app.living = dict.fromkeys(vendor.app.living, soon)
    found = await signals(http, car.id)
    assert found["charge-wattage"]["attributes"]["status"] == {"value": "SUCCESS"}


async def test_missing_permissions_and_capabilities_are_said_signal_by_signal(
    vendor: SmartcarSimulator, http: AsyncClient
) -> None:
    (car,) = vendor.cars
    vendor.link(permissions=["read_battery", "read_charge"])
    await subscribe(vendor, http, car.id)
    car.incapable.add("charge-energyadded")
    vendor.script.refuse("charge-voltage", "UPSTREAM", "INVALID_DATA")
    found = await signals(http, car.id)
    errors = {code: item["attributes"]["status"].get("error", {}).get("type") for code, item in found.items()}
    assert errors["location-preciselocation"] == "PERMISSION"
    assert errors["charge-energyadded"] == "COMPATIBILITY"
    assert errors["charge-voltage"] == "UPSTREAM"
    assert errors["tractionbattery-stateofcharge"] is None


async def test_the_owner_must_be_named_and_right(vendor: SmartcarSimulator, http: AsyncClient) -> None:
    path = f"/v3/vehicles/{vendor.cars[0].id}/signals"
    said = await http.get(path, headers={"sc-user-id": "somebody"})
    assert (said.status_code, said.json()["errors"][0]["code"]) == (403, "ACCESS_DENIED")
    del http.headers["sc-user-id"]
    said = await http.get(path)
    assert (said.status_code, said.json()["errors"][0]["detail"]) == (400, "missing userId")
    assert (await http.get("/v3/vehicles/unknown/signals", headers={"sc-user-id": "x"})).status_code == 404
    assert (await http.post(path)).status_code == 404
    vendor.script.exhaust(times=2, v3=True)
    assert (await http.get(path)).json()["errors"][0]["code"] == "SMARTCAR_API"
