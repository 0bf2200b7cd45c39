"""Cars among the sources, and the two pages where a browser lands after Smartcar."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from httpx2 import AsyncClient

from tests.ev.helpers import CALLBACK, EMAIL, connected, landed
from tests.web.helpers import FakeClock, sign_in
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.store import Store
from wattledger.web.contracts.ev.failures import OTHERWISE, VENDORS, WORDS
from wattledger.web.pages.car_words import withheld

HTML = {"accept": "text/html"}


@pytest.fixture
async def browser(stranger: AsyncClient, store: Store, clock: FakeClock) -> AsyncClient:
    """A signed-in owner's."""
    await sign_in(stranger, store, EMAIL, clock.now())
    stranger.headers.update(HTML)
    return stranger


async def through(browser: AsyncClient) -> str:
    """Press Connect, agree at the vendor, come back: the page's text."""
    began = await browser.get("/sources/smartcar/connect")
    assert began.status_code == 303, began.text
    async with AsyncClient() as elsewhere:
        back = (await elsewhere.get(began.headers["location"])).headers["location"]
    ended = await browser.get(back)
    assert ended.status_code == 302
    return (await browser.get(ended.headers["location"])).text


async def test_from_the_card_to_the_card(browser: AsyncClient, vendor: SmartcarSimulator) -> None:
    assert "No car is connected." in (await browser.get("/sources")).text
    assert "Tesla Model 3 2021 is connected." in await through(browser)
    shown = (await browser.get("/sources")).text
    assert "Tesla Model 3 2021" in shown and "500 of 500 calls left this month" in shown
    assert "version 2 of Smartcar&#39;s API" in shown


async def test_collecting_and_letting_go(
    browser: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    vendor.desk.unticked = ["read_location"]
    await through(browser)
    id = (await store.connections.list(None))[0].id
    collected = (await browser.post(f"/sources/smartcar/{id}/collect")).text
    assert "Collected." in collected and "No permission for: where it is." in collected
    ended = (await browser.post(f"/sources/smartcar/{id}/disconnect")).text
    assert "Disconnected. What was recorded stays." in ended and "No car is connected." in ended
    assert (await browser.post(f"/sources/smartcar/{id}/collect")).status_code == 404
    assert vendor.garage.of() == []


async def test_signing_in_again(
    browser: AsyncClient, store: Store, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    await through(browser)
    id = (await store.connections.list(None))[0].id
    vendor.issuer.revoke()
    clock.move(timedelta(days=1))
    shown = (await browser.post(f"/sources/smartcar/{id}/collect")).text
    assert "What to do:" in shown and ">Sign in again<" in shown
    assert "is connected." in await through(browser)
    assert ">Sign in again<" not in (await browser.get("/sources")).text


@pytest.mark.parametrize("error", [*sorted(WORDS), "<script>alert(1)</script>", ""])
async def test_why_it_failed_in_words(browser: AsyncClient, error: str) -> None:
    page = await browser.get("/vehicle/connect", params={"error": error})
    sentence = WORDS.get(error, WORDS[OTHERWISE]).replace("'", "&#39;")
    assert page.status_code == 200 and sentence in page.text and "<script>alert" not in page.text


async def test_somebody_who_is_not_signed_in_is_told_too(stranger: AsyncClient, owner: AsyncClient) -> None:
    id = await connected(owner)
    answer = await stranger.get(f"{CALLBACK}?error=access_denied")
    assert landed(answer)["error"] == "access_denied"
    assert "nobody agreed" in (await stranger.get(answer.headers["location"])).text
    page = (await stranger.get(f"/vehicle/connected?vehicle_id={id}")).text
    assert "The car is connected." in page and "TESLA" not in page


async def test_another_sites_connection_is_not_there(
    owner: AsyncClient, neighbour: AsyncClient, store: Store
) -> None:
    await connected(owner)
    id = (await store.connections.list(None))[0].id
    for path in ("collect", "disconnect"):
        assert (await neighbour.post(f"/sources/smartcar/{id}/{path}")).status_code == 404
    assert "No car is connected." in (await neighbour.get("/sources")).text


def test_what_is_withheld_in_words() -> None:
    assert withheld(["/battery", "tractionbattery-stateofcharge"]) == "state of charge and range"
    assert withheld(["/location", "charge-ischarging"]) == "where it is, charging"
    assert withheld([]) is None


def test_every_word_has_a_sentence() -> None:
    assert set(WORDS) >= VENDORS and all(text.endswith(".") for text in WORDS.values())


async def test_a_hub_without_smartcar(browser: AsyncClient, tmp_path: Path) -> None:
    from typing import Any

    hub: Any = browser._transport.app.state.hub  # type: ignore[attr-defined]
    hub.settings = hub.settings.model_copy(update={"smartcar_client_id": None})
    shown = (await browser.get("/sources")).text
    assert "sets SMARTCAR_CLIENT_ID" in shown and 'href="/sources/smartcar/connect"' not in shown
    page = await browser.get("/sources/smartcar/connect")
    assert page.status_code == 200 and "set SMARTCAR_CLIENT_ID" in page.text
