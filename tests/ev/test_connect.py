"""Connecting with v2: what a grant leaves, and what every way to get it wrong leaves: nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.ev.helpers import CALLBACK, EMAIL, NOTHING, begun, connected, consented, landed, rows
from tests.web.helpers import BASE, FakeClock, sign_in
from wattledger.faults import arm, disarm
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.store import Store


async def test_a_grant_becomes_one_connection_with_its_car(
    owner: AsyncClient, stranger: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    said = landed(await stranger.get(await consented(owner)))
    listed = (await owner.get("/v1/ev/me/vehicles")).json()["vehicles"]
    assert said == {"path": "/vehicle/connected", "provider": "smartcar", "vehicle_id": listed[0]["id"]}
    assert (listed[0]["name"], listed[0]["primary"], listed[0]["active"]) == (
        "Tesla Model 3 2021",
        True,
        True,
    )
    assert await rows(store) == {"connection": 1, "vehicle": 1, "usage_point": 1}
    link = (await store.connections.list(None))[0]
    assert link.options["api"] == "v2" and link.next_poll_at is not None
    assert vendor.asked("/oauth/token") == 1
    status = (await owner.get("/v1/ev/status")).json()
    assert (status["status"], status["vehicle_label"]) == ("connected", "Tesla Model 3 2021")


async def test_the_address_at_the_vendor(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    url = urlsplit(await begun(owner))
    said = parse_qs(url.query)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{vendor.url}/oauth/authorize"
    assert said["response_type"] == ["code"] and said["redirect_uri"] == [BASE + CALLBACK]
    assert "read_battery" in said["scope"][0].split() and said["mode"] == ["live"]
    assert said["client_id"] == [vendor.client_id] and len(said["state"][0]) > 100


async def test_a_state_works_once(owner: AsyncClient, store: Store, vendor: SmartcarSimulator) -> None:
    back = await consented(owner)
    assert "vehicle_id" in landed(await owner.get(back))
    assert landed(await owner.get(back)) == {"path": "/vehicle/connect", "error": "state_invalid"}
    fresh = dict(parse_qsl(urlsplit(await consented(owner)).query))
    old = dict(parse_qsl(urlsplit(back).query))
    mixed = {**old, "code": fresh["code"]}
    assert landed(await owner.get(f"{CALLBACK}?{urlencode(mixed)}"))["error"] == "state_invalid"
    assert (await rows(store))["connection"] == 1 and vendor.asked("/oauth/token") == 1


async def test_two_callbacks_at_once_are_one(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    back = await consented(owner)
    answers = [landed(a) for a in await asyncio.gather(*(owner.get(back) for _ in range(8)))]
    assert sum("vehicle_id" in said for said in answers) == 1
    assert sum(said.get("error") == "state_invalid" for said in answers) == 7
    assert vendor.asked("/oauth/token") == 1 and (await rows(store))["connection"] == 1


async def test_two_sign_ins_at_once_leave_one_connection_in_use(owner: AsyncClient, store: Store) -> None:
    backs = [await consented(owner) for _ in range(2)]
    said = [landed(a) for a in await asyncio.gather(*(owner.get(back) for back in backs))]
    assert all("vehicle_id" in one for one in said)
    used = [c for c in await store.connections.list(None) if c.state != "disconnected"]
    assert len(used) == 1 and (await rows(store))["vehicle"] == 1


async def test_ten_minutes(owner: AsyncClient, store: Store, clock: FakeClock) -> None:
    back = await consented(owner)
    clock.move(timedelta(minutes=10, seconds=1))
    assert landed(await owner.get(back))["error"] == "state_expired"
    assert await rows(store) == NOTHING


async def test_another_browser_cannot_end_it(
    app: FastAPI, stranger: AsyncClient, store: Store, clock: FakeClock
) -> None:
    await sign_in(stranger, store, EMAIL, clock.now())
    back = await consented(stranger)
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as thief:
        assert landed(await thief.get(back))["error"] == "state_invalid"
        await sign_in(thief, store, "eve@example.org", clock.now())
        assert landed(await thief.get(back))["error"] == "state_invalid"
    assert await rows(store) == NOTHING
    assert "vehicle_id" in landed(await stranger.get(back)), "a thief's try does not use it up"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=x&code=y",
        "state=v1|test|AAAA|AAAA&code=y",
        "state=%00&code=1",
        "code=only",
        f"state={'A' * 5000}&code=1",
        "state=%F0%9F%9A%97&code=%0d%0aSet-Cookie:x=1",
        "state=a&state=b&code=1",
    ],
)
async def test_forged_states_lead_to_a_fixed_place(stranger: AsyncClient, store: Store, query: str) -> None:
    said = landed(await stranger.get(f"{CALLBACK}?{query}"))
    assert said == {"path": "/vehicle/connect", "error": "state_invalid"}
    assert await rows(store) == NOTHING


async def test_a_doubled_word_is_refused_and_uses_nothing_up(owner: AsyncClient) -> None:
    back = await consented(owner)
    assert landed(await owner.get(f"{back}&code=other"))["error"] == "state_invalid"
    assert "vehicle_id" in landed(await owner.get(back))


@pytest.mark.parametrize(
    "error", ["access_denied", "no_vehicles", "invalid_subscription", "configuration_error", "server_error"]
)
async def test_the_vendors_refusals(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator, error: str
) -> None:
    vendor.desk.decides = error
    assert landed(await owner.get(await consented(owner)))["error"] == error
    assert await rows(store) == NOTHING and vendor.asked("/oauth/token") == 0


@pytest.mark.parametrize(
    "error", ["//evil.example", "a&error=b", "<script>", "access_denied\r\nX: y", "x" * 99]
)
async def test_unknown_words_are_not_repeated(stranger: AsyncClient, owner: AsyncClient, error: str) -> None:
    state = parse_qs(urlsplit(await begun(owner)).query)["state"][0]
    for said in ({"error": error}, {"error": error, "state": state}):
        answer = await stranger.get(CALLBACK, params=said)
        assert answer.headers["location"] == f"{BASE}/vehicle/connect?error=connection_failed"


async def test_a_look_uses_nothing_up(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    back = await consented(owner)
    assert (await owner.head(back)).status_code == 302 and vendor.asked("/oauth/token") == 0
    assert "vehicle_id" in landed(await owner.get(back))


async def test_a_refusal_uses_the_state_up(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    vendor.desk.decides = "deny"
    back = dict(parse_qsl(urlsplit(await consented(owner)).query))
    assert landed(await owner.get(CALLBACK, params=back))["error"] == "access_denied"
    again = {"state": back["state"], "code": "anything"}
    assert landed(await owner.get(CALLBACK, params=again))["error"] == "state_invalid"


async def test_an_invented_code(owner: AsyncClient, store: Store, vendor: SmartcarSimulator) -> None:
    state = parse_qs(urlsplit(await begun(owner)).query)["state"][0]
    said = landed(await owner.get(CALLBACK, params={"state": state, "code": "invented"}))
    assert said["error"] == "exchange_failed"
    assert vendor.asked("/oauth/token") == 1 and await rows(store) == NOTHING


async def test_a_lost_answer_to_the_code_is_not_asked_for_again(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    vendor.script.lose("/oauth/token")
    assert landed(await owner.get(await consented(owner)))["error"] == "vendor_unavailable"
    assert vendor.asked("/oauth/token") == 1 and await rows(store) == NOTHING
    assert "vehicle_id" in landed(await owner.get(await consented(owner)))


async def test_a_lost_list_is_asked_for_again(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    vendor.script.lose("/v2.0/vehicles", times=2)
    assert "vehicle_id" in landed(await owner.get(await consented(owner)))
    assert vendor.asked("/oauth/token") == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502])
async def test_a_list_that_fails_leaves_nothing(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator, status: int
) -> None:
    vendor.script.fail("/v2.0/vehicles", status, times=9)
    said = landed(await owner.get(await consented(owner)))
    assert said["error"] in {"vendor_unavailable", "exchange_failed", "connection_failed"}
    assert await rows(store) == NOTHING


async def test_wrong_credentials_are_ours(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    back = await consented(owner)
    vendor.issuer.client_secret = "another-secret-than-ours"
    assert landed(await owner.get(back))["error"] == "configuration_error"


async def test_a_grant_without_cars(owner: AsyncClient, store: Store, vendor: SmartcarSimulator) -> None:
    back = await consented(owner)
    vendor.garage.grants.clear()
    assert landed(await owner.get(back))["error"] == "no_vehicles"
    assert await rows(store) == NOTHING


async def test_a_car_without_a_name_is_connected(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    car = next(iter(vendor.garage.vehicles))
    vendor.script.fail(f"/v2.0/vehicles/{car}", 403)
    await connected(owner)
    assert (await owner.get("/v1/ev/me/vehicles")).json()["vehicles"][0]["name"] == "Car"


async def test_no_orphans_where_it_breaks_in_the_middle(owner: AsyncClient, store: Store) -> None:
    def broken() -> None:
        raise RuntimeError("the disk is gone")

    back = await consented(owner)
    arm("web.car_before_link", broken)
    try:
        assert landed(await owner.get(back))["error"] == "connection_failed"
    finally:
        disarm()
    kept = await rows(store)
    assert (kept["connection"], kept["vehicle"]) == (0, 0)
    await connected(owner)
    assert (await owner.get("/v1/ev/status")).json()["status"] == "connected"


async def test_the_page_of_a_front_end(
    owner: AsyncClient, app: FastAPI, vendor: SmartcarSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = app.state.hub
    monkeypatch.setattr(
        found, "settings", found.settings.model_copy(update={"frontend_url": "https://app.example/"})
    )
    answer = await owner.get(await consented(owner))
    assert answer.headers["location"].startswith("https://app.example/vehicle/connected?provider=smartcar&")


@pytest.mark.parametrize("name", ["smartcar_client_id", "smartcar_client_secret", "smartcar_redirect_uri"])
async def test_what_is_not_set_is_named(
    owner: AsyncClient, stranger: AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    back = await consented(owner)
    found = app.state.hub
    monkeypatch.setattr(found, "settings", found.settings.model_copy(update={name: None}))
    assert (await stranger.get("/v1/ev/connect")).status_code == 401
    answer = await owner.get("/v1/ev/connect")
    assert answer.status_code == 500 and name.upper() in answer.json()["message"], answer.text
    assert landed(await owner.get(back))["error"] == "configuration_error"


async def test_tokens_are_in_no_answer(owner: AsyncClient, store: Store, vendor: SmartcarSimulator) -> None:
    await connected(owner)
    told = [
        (await owner.get(path)).text for path in ("/v1/connections", "/v1/ev/me/vehicles", "/v1/ev/status")
    ]
    for word in (*vendor.issuer.access, *vendor.issuer.refresh, vendor.issuer.client_secret):
        assert not any(word in text for text in told)
