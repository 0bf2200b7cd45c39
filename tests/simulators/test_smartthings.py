"""The simulated SmartThings: registers that never fall, strict rotation, pages, and faults on command."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from httpx2 import AsyncClient

from tests.turning import TurningClock
from wattledger import localday
from wattledger.connectors.http import open_client
from wattledger.simulators.home import CENTRAL, Home
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.simulators.smartthings_units import three_units

SUMMER = datetime(2026, 7, 10, 18, 3, 20, tzinfo=UTC)


@pytest.fixture
async def vendor() -> AsyncIterator[SmartThingsSimulator]:
    async with SmartThingsSimulator(clock=TurningClock()) as simulator:
        yield simulator


@pytest.fixture
async def http(vendor: SmartThingsSimulator) -> AsyncIterator[AsyncClient]:
    async with open_client(vendor.url) as client:
        client.headers["authorization"] = f"Bearer {vendor.issuer.pasted()}"
        yield client


def test_registers_only_rise_and_agree_with_their_deltas() -> None:
    for unit in three_units():
        reports = [
            unit.status(SUMMER + n * unit.period)["powerConsumptionReport"]["powerConsumption"]["value"]
            for n in range(300)
        ]
        for before, after in pairwise(reports):
            assert after["start"] == before["end"]
            assert after["energy"] - before["energy"] == after["deltaEnergy"] >= 0


def test_units_say_the_same_whenever_they_are_asked() -> None:
    one, other = three_units()[0], three_units()[0]
    other.register(SUMMER + timedelta(days=100))
    assert one.status(SUMMER) == other.status(SUMMER)


def test_the_units_take_no_more_than_the_home_uses() -> None:
    home, units = Home(), three_units()
    for n in range(localday.number(SUMMER.date()), localday.number(SUMMER.date()) + 40):
        start, end = localday.start(n, CENTRAL), localday.start(n + 1, CENTRAL)
        used = sum(unit.register(end) - unit.register(start) for unit in units)
        whole = sum(int(wh.sum()) for wh in home.day(n).actual.values())
        assert 0 < used < whole


def test_a_list_of_the_past_has_reports_as_long_as_wanted() -> None:
    vendor, hour = SmartThingsSimulator(), timedelta(hours=1)
    before, after = (json.loads(vendor.list_at(SUMMER + n * hour, hour)) for n in (0, 1))
    for one, other in zip(before["items"], after["items"], strict=True):
        first, second = (
            item["components"][0]["capabilities"][0]["status"]["powerConsumption"]["value"]
            for item in (one, other)
        )
        assert second["energy"] - first["energy"] == second["deltaEnergy"]
        assert second["start"] == first["end"] == "2026-07-10T18:00:00Z"


async def test_calls_need_a_living_token(vendor: SmartThingsSimulator, http: AsyncClient) -> None:
    assert (await http.get("/v1/devices")).status_code == 200
    vendor.issuer.revoke()
    assert (await http.get("/v1/devices")).status_code == 401


async def test_pages_are_named_without_a_version(vendor: SmartThingsSimulator, http: AsyncClient) -> None:
    vendor.page_size = 2
    said = (await http.get("/v1/devices")).json()
    assert said["_links"]["next"]["href"] == f"{vendor.url}/devices?max=2&page=1"
    rest = (await http.get("/devices?max=2&page=1")).json()
    assert (len(said["items"]), len(rest["items"]), rest["_links"]) == (2, 1, {})


async def test_statuses_come_with_the_list_or_one_by_one(
    vendor: SmartThingsSimulator, http: AsyncClient
) -> None:
    unit = vendor.units[0]
    (item, *_) = (await http.get("/v1/devices?includeStatus=true")).json()["items"]
    inline = {c["id"]: c["status"] for c in item["components"][0]["capabilities"]}
    alone = (await http.get(f"/v1/devices/{unit.id}/status")).json()["components"]["main"]
    assert inline == alone
    assert (await http.get("/v1/devices/unknown/status")).status_code == 403
    vendor.refuses_together = 422
    assert (await http.get("/v1/devices?includeStatus=true")).status_code == 422


@pytest.mark.parametrize("grace", [0, 60])
async def test_refresh_tokens_are_good_once(
    vendor: SmartThingsSimulator, http: AsyncClient, grace: float
) -> None:
    issuer = vendor.issuer
    issuer.grace = grace
    basic = f"{issuer.client_id}:{issuer.client_secret}"
    code = {"grant_type": "authorization_code", "code": issuer.code(), "redirect_uri": issuer.redirect_uri}
    status, first = issuer.answer(code, basic)
    assert (status, issuer.answer(code, basic)[0]) == (200, 400)
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    status, second = issuer.answer(again, basic)
    assert status == 200
    repeated = issuer.answer(again, basic)
    assert repeated == (200, second) if grace else repeated[0] == 400
    assert issuer.answer(again, "else:else")[0] == 401


async def test_faults_come_once_each_or_for_ever(vendor: SmartThingsSimulator, http: AsyncClient) -> None:
    vendor.script.throttle("/status", 40585)
    vendor.script.html("/health", 503, times=-1)
    path = f"/v1/devices/{vendor.units[0].id}"
    first = await http.get(f"{path}/status")
    assert first.status_code == 429
    detail = json.loads(first.content)["error"]["details"][0]["message"]
    assert detail == "attempt 10 limit 10 - retry in 40585 millis"
    assert (await http.get(f"{path}/status")).status_code == 200
    assert {(await http.get(f"{path}/health")).status_code for _ in range(3)} == {503}
    assert vendor.asked("/health") == 3
