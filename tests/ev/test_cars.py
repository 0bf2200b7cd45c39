"""Several cars, several owners: reconnecting, choosing the primary, letting go, and other people's cars."""

from __future__ import annotations

import pytest
from httpx2 import AsyncClient

from tests.ev.helpers import NOTHING, connected, consented, landed, rows
from wattledger.connectors.base import ENDING
from wattledger.faults import sabotage
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import second_car
from wattledger.store import Store


@pytest.fixture
def two(vendor: SmartcarSimulator) -> list[str]:
    """The vendor's ids of two cars that are both chosen at Connect."""
    extra = second_car()
    vendor.garage.vehicles[extra.id] = extra
    return list(vendor.garage.vehicles)


async def cars(owner: AsyncClient) -> dict[str, dict[str, object]]:
    """The listed cars by name."""
    listed = (await owner.get("/v1/ev/me/vehicles")).json()["vehicles"]
    return {car["name"]: car for car in listed}


async def test_all_cars_of_a_grant(owner: AsyncClient, store: Store, two: list[str]) -> None:
    first = await connected(owner)
    found = await cars(owner)
    assert set(found) == {"Tesla Model 3 2021", "Volkswagen ID.4 2023"}
    assert [car["id"] for car in found.values() if car["primary"]] == [first]
    assert (await rows(store))["connection"] == 1


async def test_the_primary_is_a_choice(owner: AsyncClient, two: list[str]) -> None:
    await connected(owner)
    other = (await cars(owner))["Volkswagen ID.4 2023"]
    answer = await owner.put(f"/v1/ev/me/vehicles/{other['id']}/primary")
    assert answer.status_code == 200 and answer.json()["primary"]
    assert next(iter(await cars(owner))) == "Volkswagen ID.4 2023"
    assert (await owner.get("/v1/ev/status")).json()["vehicle_id"] == other["id"]
    assert landed(await owner.get(await consented(owner)))["vehicle_id"] == other["id"], "it stays the choice"


async def test_reconnecting_with_fewer_cars(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator, two: list[str]
) -> None:
    await connected(owner)
    link = (await store.connections.list(None))[0]
    old = set(vendor.issuer.access)
    vendor.desk.vehicles = two[1:]
    await connected(owner)
    found = await cars(owner)
    assert {name: car["active"] for name, car in found.items()} == {
        "Tesla Model 3 2021": False,
        "Volkswagen ID.4 2023": True,
    }
    assert found["Volkswagen ID.4 2023"]["primary"]
    again = await store.connections.list(None)
    assert [row.id for row in again] == [link.id], "the same connection goes on"
    async with store.connections.token(link.id) as slot:
        assert slot.current is not None and slot.current["access"] not in old


async def test_a_revoked_grant_is_healed_by_connecting_again(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    car = await connected(owner)
    link = (await store.connections.list(None))[0]
    vendor.issuer.revoke()
    polled = (await owner.post(f"/v1/connections/{link.id}/poll")).json()
    assert polled.get("ok") is False or polled.get("error") == "NEEDS_LOGIN", polled
    status = (await owner.get("/v1/ev/status")).json()
    assert (status["status"], status["connected"]) == ("needs_attention", False)
    listed = (await owner.get("/v1/ev/me/vehicles")).json()["vehicles"]
    assert (listed[0]["state"], listed[0]["active"]) == ("needs_login", False)
    assert await connected(owner) == car
    assert [row.id for row in await store.connections.list(None)] == [link.id]
    assert (await owner.get("/v1/ev/status")).json()["status"] == "connected"


async def test_a_car_of_another_site_is_refused(
    owner: AsyncClient, neighbour: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    car = await connected(owner)
    before = await rows(store)
    assert landed(await neighbour.get(await consented(neighbour)))["error"] == "vehicle_in_use"
    assert await rows(store) == before
    assert (await neighbour.get("/v1/ev/me/vehicles")).json() == {"vehicles": []}
    await owner.post("/v1/ev/disconnect")
    said = landed(await neighbour.get(await consented(neighbour)))
    assert said["error"] == "vehicle_in_use", "its history is the first site's for good"
    assert await connected(owner) == car


async def test_only_a_part_is_another_sites(
    owner: AsyncClient, neighbour: AsyncClient, vendor: SmartcarSimulator, two: list[str]
) -> None:
    vendor.desk.vehicles = two[:1]
    await connected(owner)
    vendor.desk.vehicles = None
    await connected(neighbour)
    assert set(await cars(neighbour)) == {"Volkswagen ID.4 2023"}
    assert set(await cars(owner)) == {"Tesla Model 3 2021"}


async def test_another_sites_car_does_not_exist(owner: AsyncClient, neighbour: AsyncClient) -> None:
    car = await connected(owner)
    for method, path, body in (
        ("PUT", f"/v1/ev/me/vehicles/{car}/primary", None),
        ("PATCH", f"/v1/ev/me/vehicles/{car}", {"location": False}),
        ("DELETE", f"/v1/ev/me/vehicles/{car}", None),
        ("GET", f"/v1/ev/me/telemetry/latest?vehicle_id={car}", None),
        ("GET", f"/v1/ev/me/telemetry/history?vehicle_id={car}", None),
    ):
        answer = await neighbour.request(method, path, json=body)
        missing = await neighbour.request(method, path.replace(car, "f" * 32), json=body)
        assert (answer.status_code, missing.status_code) == (404, 404), path
        assert answer.json() == missing.json()
    assert (await neighbour.post("/v1/ev/disconnect")).json()["vehicles"] == []
    assert (await owner.get("/v1/ev/status")).json()["status"] == "connected"


async def test_what_an_owner_chooses(owner: AsyncClient, store: Store) -> None:
    car = await connected(owner)
    path = f"/v1/ev/me/vehicles/{car}"
    said = {"name": "Blue one", "location": False, "capacity_kwh": 57.5, "efficiency": 0.88}
    changed = (await owner.patch(path, json=said)).json()
    assert {name: changed[name] for name in said} == said
    kept = (await owner.patch(path, json={"capacity_kwh": None, "efficiency": None})).json()
    assert (kept["capacity_kwh"], kept["efficiency"], kept["location"]) == (None, 0.9, False)
    wrong: object
    for wrong in (
        {"efficiency": 2},
        {"capacity_kwh": 0},
        {"location": "no"},
        {"person": "x"},
        {"name": ""},
        [],
    ):
        assert (await owner.patch(path, json=wrong)).status_code == 422, wrong
    assert await connected(owner) == car
    assert (await cars(owner))["Blue one"]["location"] is False, "choices outlive a new sign-in"


async def test_letting_one_car_go(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator, two: list[str]
) -> None:
    first = await connected(owner)
    answer = (await owner.delete(f"/v1/ev/me/vehicles/{first}")).json()
    assert answer == {"ok": True, "vehicles": [first], "revoked": True, "message": None}
    assert [grant.vehicle.id for grant in vendor.garage.of()] == two[1:]
    assert (await owner.get("/v1/ev/status")).json()["vehicle_label"] == "Volkswagen ID.4 2023"
    row = (await store.connections.list(None))[0]
    assert row.state == "ok" and ENDING not in row.options


async def test_letting_all_cars_go(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator, two: list[str]
) -> None:
    await connected(owner)
    answer = (await owner.post("/v1/ev/disconnect")).json()
    assert answer["revoked"] and len(answer["vehicles"]) == 2 and vendor.garage.of() == []
    row = (await store.connections.list(None))[0]
    assert row.state == "disconnected"
    async with store.connections.token(row.id) as slot:
        assert slot.current is None
    assert (await owner.get("/v1/ev/status")).json()["status"] == "not_connected"
    assert all(not car["active"] for car in (await cars(owner)).values())
    assert (await owner.get("/v1/ev/me/telemetry/latest")).status_code == 404
    assert (await owner.post("/v1/ev/disconnect")).json()["vehicles"] == []
    actions = [row.action for row in await store.audit.list()]
    assert "connection.disconnected" in actions and "vehicles.linked" in actions


async def test_a_vendor_that_is_down_holds_nobody(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    await connected(owner)
    vendor.script.fail("/application", 503, times=9)
    answer = (await owner.post("/v1/ev/disconnect")).json()
    assert answer["ok"] and not answer["revoked"] and "Smartcar" in answer["message"]
    assert (await store.connections.list(None))[0].state == "disconnected"


async def test_sabotage_foreign_refused_is_noticed(
    owner: AsyncClient, neighbour: AsyncClient, store: Store
) -> None:
    await connected(owner)

    async def refused() -> bool:
        return landed(await neighbour.get(await consented(neighbour))).get("error") == "vehicle_in_use"

    assert await refused()
    with sabotage("foreign_refused"):
        assert not await refused()


def test_nothing_is_nothing() -> None:
    assert set(NOTHING.values()) == {0}
