"""A link opened in another browser than the one that asked for it; fifty that press its button at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.web.helpers import BASE
from tests.web.test_signin import EMAIL, link_for
from wattledger.faults import sabotage
from wattledger.store import Store

FORM = {"sec-fetch-site": "same-origin", "origin": BASE}


@pytest.fixture
async def other(app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=FORM) as found:
        yield found


async def link_of(app: FastAPI, client: AsyncClient, store: Store) -> str:
    await store.people.add_user(EMAIL)
    return (await link_for(app, client) or "").partition("token=")[2]


async def press(browser: AsyncClient, token: str, **typed: str) -> int:
    answer = await browser.post("/auth/link", data={"token": token, **typed}, headers=FORM)
    return answer.status_code


async def test_the_browser_that_asked_signs_in_by_one_press(
    app: FastAPI, client: AsyncClient, store: Store
) -> None:
    token = await link_of(app, client, store)
    assert 'name="email"' not in (await client.get(f"/auth/link?token={token}")).text
    assert await press(client, token) == 303


async def test_another_browser_must_type_the_address(
    app: FastAPI, client: AsyncClient, other: AsyncClient, store: Store
) -> None:
    token = await link_of(app, client, store)
    shown = (await other.get(f"/auth/link?token={token}")).text
    assert "another browser" in shown and 'name="email"' in shown and EMAIL not in shown
    assert await press(other, token) == 409
    assert await press(other, token, email="eve@example.org") == 409
    assert await press(other, token, email="nonsense") == 409
    assert await press(other, token, email=f" {EMAIL.upper()} ") == 303


async def test_a_link_from_the_command_line_belongs_to_no_browser(
    other: AsyncClient, app: FastAPI, store: Store
) -> None:
    await store.people.add_user(EMAIL)
    token = await store.people.start_link(EMAIL, app.state.hub.clock.now())
    assert token is not None and await press(other, token) == 303


async def test_sabotage_link_browser_is_noticed(
    app: FastAPI, client: AsyncClient, other: AsyncClient, store: Store
) -> None:
    token = await link_of(app, client, store)
    with sabotage("link_browser"):
        assert await press(other, token) == 303


async def test_fifty_presses_at_once_are_one_session(app: FastAPI, client: AsyncClient, store: Store) -> None:
    token = await link_of(app, client, store)
    app.state.hub.links = type(app.state.hub.links)(app.state.hub.clock, 100, 100)
    answers = await asyncio.gather(*(client.post("/auth/link", json={"token": token}) for _ in range(50)))
    assert sorted(a.status_code for a in answers) == [200, *[401] * 49]


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
async def test_known_and_unknown_addresses_write_the_same(
    app: FastAPI, client: AsyncClient, store: Store, email: str
) -> None:
    """Both leave one row and one cookie: neither the answer nor the database's time tells them apart."""
    from sqlalchemy import func, select

    from wattledger.store.tables import login_link

    await store.people.add_user(EMAIL)
    answer = await client.post("/v1/auth/link", json={"email": email})
    await app.state.hub.post.idle()
    async with store.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(login_link)) == 1
    assert answer.headers["set-cookie"].startswith("wattledger_asked=")
