"""The page of air conditioners, the SmartThings card among the sources, and the way in between."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.climate.conftest import EMAIL
from tests.climate.helpers import watch
from tests.web.helpers import FakeClock, sign_in
from wattledger.cli.runtime import Runtime
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store import Store
from wattledger.web.alerts.watcher import Watcher


@pytest.fixture
async def browser(stranger: AsyncClient, store: Store, clock: FakeClock) -> AsyncClient:
    await sign_in(stranger, store, EMAIL, clock.now())
    return stranger


async def test_nothing_of_it_shows_without_units(browser: AsyncClient) -> None:
    page = (await browser.get("/sources")).text
    assert "/air-conditioners" not in page
    assert "Not connected." in page
    assert "No unit yet" in (await browser.get("/air-conditioners")).text


async def test_a_pasted_token_brings_the_units(
    browser: AsyncClient, store: Store, vendor: SmartThingsSimulator
) -> None:
    answer = await browser.post("/sources/smartthings/token", data={"token": vendor.issuer.pasted()})
    assert "The token is stored" in answer.text
    assert "Token ends in 24 h." in answer.text
    row = (await store.connections.list(None))[0]
    answer = await browser.post(f"/sources/smartthings/{row.id}/collect")
    assert "Collected." in answer.text
    page = (await browser.get("/air-conditioners")).text
    for unit in vendor.units:
        assert unit.label in page
    assert "Cooling, fan" in page and "set to 24.0" in page


async def test_a_wrong_token_is_refused_in_words(browser: AsyncClient, store: Store) -> None:
    answer = await browser.post("/sources/smartthings/token", data={"token": "letters"})
    assert answer.status_code == 200 and "Token must not be only letters" in answer.text
    assert await store.connections.list(None) == []


async def test_page_and_contract_have_the_same_numbers(
    owner: AsyncClient, browser: AsyncClient, connection: str, clock: FakeClock
) -> None:
    await watch(owner, clock, connection, 5)
    page = (await browser.get("/air-conditioners")).text
    for unit in (await owner.get("/dashboard")).json():
        assert f"{unit['todayKWh']:.3f}" in page
    chosen = unit["usagePoint"]
    reports = (await browser.get("/air-conditioners", params={"unit": chosen})).text
    assert "baseline" in reports and reports.count("row-head") == 6
    assert (await browser.get("/air-conditioners", params={"unit": "0" * 32})).status_code == 404


async def test_the_end_of_a_token_is_announced(
    browser: AsyncClient, connection: str, clock: FakeClock, runtime: Runtime
) -> None:
    watcher = Watcher(runtime.store, runtime.settings, clock)
    steps = ((17, "", False), (2, "note caution", True), (4.5, "note bad", True), (1, "note bad", True))
    for hours, look, counted in steps:
        clock.move(timedelta(hours=hours))
        await watcher.look()
        page = (await browser.get("/air-conditioners")).text
        assert (look in page) and ('class="count"' in page) == counted, hours
    assert "has ended" in page


async def test_a_unit_that_is_silent_shows_its_age(
    owner: AsyncClient, browser: AsyncClient, connection: str, clock: FakeClock
) -> None:
    clock.move(timedelta(hours=3))
    page = (await browser.get("/air-conditioners")).text
    assert "Heard 3 h 2 min ago" in page and "dot caution" in page


async def test_signing_in_leads_to_the_vendor(
    browser: AsyncClient, vendor: SmartThingsSimulator, app: FastAPI
) -> None:
    answer = await browser.get("/sources/smartthings/connect")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{vendor.url}/v1/oauth/authorize?")
    assert "start again" in (await browser.get("/sources?error=spent")).text


async def test_the_rest_of_a_running_day_is_not_missing(
    owner: AsyncClient, browser: AsyncClient, connection: str, clock: FakeClock
) -> None:
    await watch(owner, clock, connection, 9)
    await watch(owner, clock, connection, 1, minutes=120)
    id = (await owner.get("/dashboard")).json()[0]["usagePoint"]
    for address in (
        f"/v1/usage-points/{id}/gaps",
        f"/v1/usage-points/{id}/gaps?start=2026-07-10&end=2026-07-20",
    ):
        assert (await owner.get(address)).json()["gaps"] == []
    page = (await browser.get("/meter", params={"point": id, "by": "day"})).text
    assert "nothing is missing" in page and "not here yet" in page
    assert "ESIID" not in page and "ask for them" not in page
