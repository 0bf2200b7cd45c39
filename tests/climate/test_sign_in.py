"""OAuth: a state that works once, in the browser that began, and tokens that nobody pastes."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
from httpx2 import AsyncClient

from tests.climate.conftest import EMAIL
from tests.web.helpers import FakeClock, sign_in
from wattledger.cli.collector import collector
from wattledger.cli.runtime import Runtime
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store import Store


async def consented(browser: AsyncClient) -> str:
    """Begin, and agree at the vendor. Returns the way back."""
    began = await browser.get("/v1/connections/smartthings/connect")
    assert began.status_code == 200, began.text
    async with httpx2.AsyncClient() as vendor:
        answer = await vendor.get(began.json()["url"])
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


def said(location: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(location).query)


async def test_a_browser_signs_in_and_energy_comes(
    runtime: Runtime, stranger: AsyncClient, store: Store, clock: FakeClock, vendor: SmartThingsSimulator
) -> None:
    await sign_in(stranger, store, EMAIL, clock.now())
    back = await consented(stranger)
    answer = await stranger.get(back)
    assert answer.status_code == 303 and "connected" in said(answer.headers["location"]), answer.headers
    for _ in range(3):
        clock.move(timedelta(hours=23))
        assert await collector(runtime).once() == 1
    assert vendor.asked("/oauth/token") > 1
    row = (await store.connections.list(None))[0]
    assert (row.state, row.last_error) == ("ok", None)
    assert len(await store.points.list(None)) == 3
    shown = (await stranger.get("/token")).json()
    assert (shown["signIn"], shown["tokenMasked"]) == ("oauth", None)


async def test_a_state_works_once_and_for_ten_minutes(
    stranger: AsyncClient, store: Store, clock: FakeClock
) -> None:
    await sign_in(stranger, store, EMAIL, clock.now())
    back = await consented(stranger)
    assert "connected" in said((await stranger.get(back)).headers["location"])
    assert "error" in said((await stranger.get(back)).headers["location"])
    late = await consented(stranger)
    clock.move(timedelta(minutes=10, seconds=1))
    assert "error" in said((await stranger.get(late)).headers["location"])
    assert len(await store.connections.list(None)) == 1


async def test_another_browser_cannot_end_it(stranger: AsyncClient, store: Store, clock: FakeClock) -> None:
    await sign_in(stranger, store, EMAIL, clock.now())
    back = await consented(stranger)
    stranger.cookies.clear()
    assert "error" in said((await stranger.get(back)).headers["location"])
    assert await store.connections.list(None) == []


async def test_a_program_of_another_origin_is_bound_to_its_person(
    owner: AsyncClient, stranger: AsyncClient, store: Store
) -> None:
    back = await consented(owner)
    assert "connected" in said((await stranger.get(back)).headers["location"])


async def test_forged_states_and_refusals_go_back_with_a_reason(
    stranger: AsyncClient, owner: AsyncClient, store: Store
) -> None:
    for query in ("state=x&code=y", "", "state=v1|test|AAAA|AAAA&code=y", "state=%00&code=1"):
        answer = await stranger.get(f"/oauth/smartthings/callback?{query}")
        assert answer.status_code == 303 and "error" in said(answer.headers["location"]), query
    began = (await owner.get("/v1/connections/smartthings/connect")).json()["url"]
    state = parse_qs(urlsplit(began).query)["state"][0]
    answer = await owner.get("/oauth/smartthings/callback", params={"state": state, "error": "access_denied"})
    assert said(answer.headers["location"])["error"] == ["denied"]
    assert await store.connections.list(None) == []


async def test_a_used_code_makes_no_connection(owner: AsyncClient, store: Store) -> None:
    began = (await owner.get("/v1/connections/smartthings/connect")).json()["url"]
    state = parse_qs(urlsplit(began).query)["state"][0]
    answer = await owner.get("/oauth/smartthings/callback", params={"state": state, "code": "invented"})
    assert "error" in said(answer.headers["location"])
    assert await store.connections.list(None) == []
