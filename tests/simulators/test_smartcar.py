"""The simulated Smartcar, v2: Connect, strict rotation, reads, batches, and faults on command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from httpx2 import AsyncClient

from tests.turning import TurningClock
from wattledger.connectors.http import open_client
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import second_car
from wattledger.simulators.smartcar_script import ALWAYS


@pytest.fixture
def clock() -> TurningClock:
    return TurningClock()


@pytest.fixture
async def vendor(clock: TurningClock) -> AsyncIterator[SmartcarSimulator]:
    async with SmartcarSimulator(clock=clock) as simulator:
        yield simulator


@pytest.fixture
async def http(vendor: SmartcarSimulator) -> AsyncIterator[AsyncClient]:
    async with open_client(vendor.url) as client:
        yield client


@pytest.fixture
async def signed_in(vendor: SmartcarSimulator) -> AsyncIterator[AsyncClient]:
    vendor.link()
    async with open_client(vendor.url) as client:
        client.headers["authorization"] = f"Bearer {vendor.issuer.pair(vendor.user)['access_token']}"
        yield client


def asked(vendor: SmartcarSimulator, **more: str) -> str:
    """Connect's address, as an application makes it."""
    query = {
        "response_type": "code",
        "client_id": vendor.client_id,
        "redirect_uri": vendor.redirect_uris[0],
        "state": "s1",
        **more,
    }
    return f"/oauth/authorize?{urlencode(query)}"


def back(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def token(vendor: SmartcarSimulator, http: AsyncClient, **form: str) -> httpx2.Response:
    return await http.post("/oauth/token", data=form, auth=(vendor.client_id, vendor.issuer.client_secret))


async def batch(http: AsyncClient, id: str, *paths: str, **headers: str) -> list[dict[str, Any]]:
    body = {"requests": [{"path": path} for path in paths]}
    answer = await http.post(f"/v2.0/vehicles/{id}/batch", json=body, headers=headers)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["responses"]
    return found


async def test_the_page_asks_and_the_owner_decides(vendor: SmartcarSimulator, http: AsyncClient) -> None:
    other = vendor.add(second_car())
    page = await http.get(asked(vendor, scope="required:read_battery read_location read_charge"))
    assert page.status_code == 200
    assert "TESLA Model 3 2021" in page.text
    assert 'value="read_battery" checked disabled' in page.text
    form = [("response_type", "code"), ("client_id", vendor.client_id), ("state", "s1")]
    form += [("redirect_uri", vendor.redirect_uris[0]), ("scope", "required:read_battery read_location")]
    chosen = [("vehicle", other.id), ("decision", "allow")]
    head = {"content-type": "application/x-www-form-urlencoded"}
    said = back(await http.post("/oauth/authorize", content=urlencode(form + chosen), headers=head))
    assert said["state"] == "s1"
    (grant,) = vendor.garage.of(vendor.user)
    assert (grant.vehicle.id, grant.permissions) == (other.id, ("read_battery",))
    denied = back(await http.post("/oauth/authorize", content=urlencode(form), headers=head))
    assert (denied["error"], denied["state"]) == ("access_denied", "s1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "client_new"},
        {"application_id": "x"},
        {"redirect_uri": "https://elsewhere.example/x"},
        {"response_type": "token"},
        {"mode": "sandbox"},
        {"scope": "read_everything"},
    ],
)
async def test_connect_begins_for_our_application_only(
    vendor: SmartcarSimulator, http: AsyncClient, wrong: dict[str, str]
) -> None:
    answer = await http.get(asked(vendor, **wrong))
    assert (answer.status_code, "Invalid" in answer.text or "authorized" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("decision", "error", "state"),
    [("deny", "access_denied", True), ("no_vehicles", "no_vehicles", False), ("server_error",) * 2 + (True,)],
)
async def test_connect_can_be_scripted(
    vendor: SmartcarSimulator, http: AsyncClient, decision: str, error: str, state: bool
) -> None:
    said = back(await http.get(asked(vendor, auto=decision)))
    assert (said["error"], "state" in said) == (error, state)


async def test_v3_comes_back_with_the_owner_and_no_code(vendor: SmartcarSimulator, http: AsyncClient) -> None:
    query = {"response_type": "code", "application_id": vendor.client_id, "external_id": "e1", "state": "s"}
    said = back(await http.get(f"/oauth/authorize?auto=allow&{urlencode(query)}"))
    assert said == {"user_id": vendor.user, "external_id": "e1", "state": "s"}


async def test_codes_are_good_once_and_for_ten_minutes(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    uri = vendor.redirect_uris[0]
    code = back(await http.get(asked(vendor, auto="allow")))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": uri}
    assert (await token(vendor, http, **form)).status_code == 200
    again = await token(vendor, http, **form)
    assert (again.status_code, code in again.text) == (400, True)
    late = {**form, "code": back(await http.get(asked(vendor, auto="allow")))["code"]}
    clock.turn(minutes=10)
    assert (await token(vendor, http, **late)).status_code == 400


async def test_a_used_refresh_token_works_for_its_grace_then_ends_the_family(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    vendor.link()
    first = vendor.issuer.pair(vendor.user)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await token(vendor, http, **form)).json()
    clock.turn(seconds=60)
    assert (await token(vendor, http, **form)).status_code == 200
    clock.turn(seconds=1)
    dead = await token(vendor, http, **form)
    assert dead.status_code == 400
    assert dead.json()["error_description"] == f"Invalid refresh_token: {first['refresh_token']}."
    assert vendor.issuer.user(second["access_token"]) is None
    assert (
        await token(vendor, http, **{**form, "refresh_token": second["refresh_token"]})
    ).status_code == 400
    wrong = await http.post("/oauth/token", data=form, auth=(vendor.client_id, "wrong"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")


async def test_a_batch_says_what_the_car_said_last(
    vendor: SmartcarSimulator, signed_in: AsyncClient, clock: TurningClock
) -> None:
    (car,) = vendor.cars
    soon = clock.now() + timedelta(days=8)
    begins = next(t for t in car.car.changes(clock.now(), soon) if car.car.state_at(t).charging)
    clock.turn(seconds=(begins - clock.now()).total_seconds() + 1000)
    signed_in.headers["authorization"] = f"Bearer {vendor.issuer.pair(vendor.user)['access_token']}"
    battery, charge, place = await batch(signed_in, car.id, "/battery", "/charge", "/location")
    state = car.seen(clock.now())
    assert (charge["body"], state.charging) == ({"isPluggedIn": True, "state": "CHARGING"}, True)
    assert battery["body"]["percentRemaining"] == round(state.soc, 3)
    assert battery["headers"]["sc-data-age"] == f"{state.at:%Y-%m-%dT%H:%M:%S}.000Z"
    assert (place["body"]["latitude"], vendor.billed(car.id)) == (30.27, 3)
    (miles,) = await batch(signed_in, car.id, "/odometer", **{"sc-unit-system": "imperial"})
    assert miles["headers"]["sc-unit-system"] == "imperial"
    assert miles["body"]["distance"] == round(state.odometer / 1.609344, 2)


async def test_one_refused_path_leaves_the_others(vendor: SmartcarSimulator, signed_in: AsyncClient) -> None:
    (car,) = vendor.cars
    vendor.link(permissions=["read_battery"])
    vendor.script.refuse("/battery", "VEHICLE_STATE", "ASLEEP", form="null")
    codes = [r["code"] for r in await batch(signed_in, car.id, "/battery", "/charge", "/tires/pressure")]
    assert codes == [409, 403, 404]
    assert [r["code"] for r in await batch(signed_in, car.id, "/battery")] == [200]
    car.incapable.add("/battery")
    assert [r["code"] for r in await batch(signed_in, car.id, "/battery")] == [501]
    vendor.monthly_calls = 3
    (spent,) = await batch(signed_in, car.id, "/battery")
    assert (spent["code"], spent["body"]["type"]) == (430, "BILLING")


async def test_lists_have_pages_and_grants_end(vendor: SmartcarSimulator, signed_in: AsyncClient) -> None:
    (car,) = vendor.cars
    other = vendor.add(second_car())
    vendor.link()
    page = (await signed_in.get("/v2.0/vehicles?limit=1&offset=1")).json()
    assert page == {"vehicles": [other.id], "paging": {"count": 2, "offset": 1}}
    assert (await signed_in.get(f"/v2.0/vehicles/{car.id}")).json() == car.attributes
    assert (await signed_in.get(f"/v2.0/vehicles/{car.id}/permissions")).json()["paging"]["count"] == 7
    assert (await signed_in.delete(f"/v2.0/vehicles/{car.id}/application")).json() == {"status": "success"}
    assert (await signed_in.get(f"/v2.0/vehicles/{car.id}/battery")).status_code == 403
    managing = ("default", vendor.management_token)
    listed = (await signed_in.get("/v2.0/management/connections", auth=managing)).json()
    assert [row["vehicleId"] for row in listed["connections"]] == [other.id]
    gone = await signed_in.delete(f"/v2.0/management/connections?user_id={vendor.user}", auth=managing)
    assert len(gone.json()["connections"]) == 1
    assert (await signed_in.get("/v2.0/vehicles")).status_code == 401


async def test_trouble_comes_when_told_to(vendor: SmartcarSimulator, signed_in: AsyncClient) -> None:
    path = f"/v2.0/vehicles/{vendor.cars[0].id}/battery"
    vendor.script.throttle("/battery", 120)
    vendor.script.exhaust("/battery")
    vendor.script.html("/battery", 503)
    vendor.script.error("/battery", "BILLING", "VEHICLE_LIMIT")
    statuses = [(await signed_in.get(path)).status_code for _ in range(5)]
    assert statuses == [429, 429, 503, 430, 200]
    vendor.cars[0].trouble = ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED")
    dead = (await signed_in.get(path)).json()
    assert dead["resolution"] == {"type": "REAUTHENTICATE"}
    query = {"response_type": "vehicle_id", "client_id": vendor.client_id, "vehicle_id": vendor.cars[0].id}
    assert back(await signed_in.get(f"/oauth/reauthenticate?{urlencode(query)}"))["vehicle_id"]
    assert (await signed_in.get(path)).status_code == 200
    vendor.script.html("/battery", times=ALWAYS)
    assert "json" not in (await signed_in.get(path)).headers["content-type"]


async def test_a_lost_answer_took_effect_and_a_dropped_request_did_not(
    vendor: SmartcarSimulator, http: AsyncClient
) -> None:
    vendor.link()
    form = {"grant_type": "refresh_token"}
    form["refresh_token"] = vendor.issuer.pair(vendor.user)["refresh_token"]
    vendor.script.drop("/oauth/token")
    vendor.script.lose("/oauth/token")
    for used in (False, True):
        with pytest.raises(httpx2.RemoteProtocolError):
            await token(vendor, http, **form)
        assert bool(vendor.issuer.refresh[form["refresh_token"]].used) == used
    assert (await token(vendor, http, **form)).status_code == 200
