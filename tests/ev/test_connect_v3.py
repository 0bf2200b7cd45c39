"""Connecting with v3: only the vendor's own list proves whose cars they are, and they report from then on."""

from __future__ import annotations

from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from httpx2 import AsyncClient

from tests.ev.helpers import CALLBACK, NOTHING, begun, connected, consented, landed, rows
from wattledger.faults import sabotage
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import PERMISSIONS, named_id, second_car
from wattledger.store import Store


@pytest.fixture
def api() -> str:
    return "v3"


async def test_an_account_is_connected_and_subscribed(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    url = parse_qs(urlsplit(await begun(owner)).query)
    assert url["application_id"] == [vendor.client_id] and "client_id" not in url and "scope" not in url
    await connected(owner)
    link = (await store.connections.list(None))[0]
    assert (link.options["api"], link.options["user_id"]) == ("v3", vendor.user)
    assert link.options["external_id"] == vendor.garage.of()[0].external_id
    assert [made.vehicle for made in vendor.subscriptions] == list(vendor.garage.vehicles)
    assert vendor.asked("/oauth/token") == 0
    listed = (await owner.get("/v1/ev/me/vehicles")).json()["vehicles"]
    assert [car["name"] for car in listed] == ["Tesla Model 3 2021"]


async def test_an_external_id_is_made_up_for_each_sign_in(owner: AsyncClient) -> None:
    said = [parse_qs(urlsplit(await begun(owner)).query)["external_id"][0] for _ in range(2)]
    assert said[0] != said[1] and all(len(word) >= 20 for word in said)


async def test_a_forged_user_is_refused(owner: AsyncClient, store: Store, vendor: SmartcarSimulator) -> None:
    """Whoever puts another person's user id into our callback gets nothing of theirs."""
    victim = named_id("victim")
    extra = second_car()
    vendor.garage.vehicles[extra.id] = extra
    vendor.garage.connect(victim, [extra.id], PERMISSIONS, "live", "their-own-external", vendor.clock.now())
    state = parse_qs(urlsplit(await begun(owner)).query)["state"][0]
    said = landed(await owner.get(CALLBACK, params={"state": state, "user_id": victim}))
    assert said["error"] == "not_verified"
    assert await rows(store) == NOTHING
    for user in ("nobody", "../../x", "a" * 300, "", "\x00"):
        state = parse_qs(urlsplit(await begun(owner)).query)["state"][0]
        answer = landed(await owner.get(CALLBACK, params={"state": state, "user_id": user}))
        assert answer["error"] in ("not_verified", "connection_failed"), user
    assert await rows(store) == NOTHING


async def test_an_older_external_id_proves_nothing(owner: AsyncClient, store: Store) -> None:
    old = dict(parse_qsl(urlsplit(await consented(owner)).query))
    state = parse_qs(urlsplit(await begun(owner)).query)["state"][0]
    said = landed(await owner.get(CALLBACK, params={"state": state, "user_id": old["user_id"]}))
    assert said["error"] == "not_verified" and await rows(store) == NOTHING


async def test_a_doubled_user_is_refused(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    back = await consented(owner)
    assert landed(await owner.get(f"{back}&user_id=other"))["error"] == "state_invalid"
    assert "vehicle_id" in landed(await owner.get(back))
    back = await consented(owner)
    assert landed(await owner.get(f"{back}&userId=other"))["error"] == "connection_failed"


async def test_the_older_spelling(owner: AsyncClient) -> None:
    parts = urlsplit(await consented(owner))
    said = dict(parse_qsl(parts.query))
    said["userId"] = said.pop("user_id")
    assert "vehicle_id" in landed(await owner.get(f"{CALLBACK}?{urlencode(said)}"))


async def test_a_list_that_is_late(
    owner: AsyncClient, vendor: SmartcarSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattledger.web.contracts.ev.grant.PATIENCE", 5.0)
    vendor.listing_late = 2
    await connected(owner)


@pytest.mark.parametrize("path", ["/oauth2/token", "/v3/connections"])
async def test_a_vendor_that_is_down(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator, path: str
) -> None:
    vendor.script.fail(path, 503, times=9)
    said = landed(await owner.get(await consented(owner)))
    assert said["error"] == "vendor_unavailable" and await rows(store) == NOTHING


async def test_wrong_credentials_are_ours(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    back = await consented(owner)
    vendor.app.client_secret = "another-secret-than-ours"
    assert landed(await owner.get(back))["error"] == "configuration_error"


async def test_a_webhook_that_cannot_be_subscribed_to_stops_nobody(
    owner: AsyncClient, vendor: SmartcarSimulator
) -> None:
    vendor.script.fail("/v3/subscriptions", 500, times=9)
    await connected(owner)
    assert vendor.subscriptions == []


async def test_reconnecting_with_fewer_cars(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    extra = second_car()
    vendor.garage.vehicles[extra.id] = extra
    await connected(owner)
    before = (await store.connections.list(None))[0]
    vendor.desk.vehicles = [extra.id]
    await connected(owner)
    after = await store.connections.list(None)
    assert [row.id for row in after] == [before.id]
    assert after[0].options["external_id"] != before.options["external_id"]
    listed = (await owner.get("/v1/ev/me/vehicles")).json()["vehicles"]
    assert [(car["name"], car["active"]) for car in listed] == [
        ("Volkswagen ID.4 2023", True),
        ("Tesla Model 3 2021", False),
    ]


async def test_letting_go(owner: AsyncClient, store: Store, vendor: SmartcarSimulator) -> None:
    await connected(owner)
    answer = (await owner.post("/v1/ev/disconnect")).json()
    assert answer["revoked"] and vendor.garage.of() == []
    assert (await store.connections.list(None))[0].state == "disconnected"


async def test_another_site_cannot_take_it(owner: AsyncClient, neighbour: AsyncClient, store: Store) -> None:
    await connected(owner)
    before = await rows(store)
    assert landed(await neighbour.get(await consented(neighbour)))["error"] == "vehicle_in_use"
    assert await rows(store) == before


async def test_sabotage_v3_foreign_user_is_noticed(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    victim = named_id("victim")
    vendor.garage.connect(
        victim, list(vendor.garage.vehicles), PERMISSIONS, "live", "theirs", vendor.clock.now()
    )

    async def unproved() -> bool:
        state = parse_qs(urlsplit(await begun(owner)).query)["state"][0]
        answer = await owner.get(CALLBACK, params={"state": state, "user_id": victim})
        return landed(answer)["error"] == "not_verified"

    assert await unproved()
    with sabotage("v3_foreign_user"):
        assert not await unproved(), "only the second fence holds: what is read of the list"
