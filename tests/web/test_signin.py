"""Signing in: links, buttons, sessions, tokens, the first set-up."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.web.helpers import BASE, FakeClock, sign_in
from wattledger.config import Settings
from wattledger.store import Store
from wattledger.web.app import create_app
from wattledger.web.signin import local_path

EMAIL = "ada@example.org"


async def link_for(app: FastAPI, client: AsyncClient, email: str = EMAIL, **headers: str) -> str | None:
    """The link that the terminal shows after a wish for one."""
    await app.state.hub.post.idle()
    lines: list[str] = []
    app.state.hub.announce = lines.append
    answer = await client.post("/v1/auth/link", json={"email": email}, headers=headers)
    assert answer.status_code == 202
    await app.state.hub.post.idle()
    found = re.search(r"http\S+", lines[0]) if lines else None
    return found.group() if found else None


async def test_known_and_unknown_addresses_get_the_same_answer(
    app: FastAPI, client: AsyncClient, store: Store
) -> None:
    await store.people.add_user(EMAIL)
    known = await client.post("/v1/auth/link", json={"email": EMAIL})
    unknown = await client.post("/v1/auth/link", json={"email": "nobody@example.org"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert await link_for(app, client, "nobody2@example.org") is None


async def test_a_link_shows_a_button_and_posting_it_signs_in_once(
    app: FastAPI, client: AsyncClient, store: Store
) -> None:
    await store.people.add_user(EMAIL)
    link = await link_for(app, client)
    assert link and link.startswith(f"{BASE}/auth/link?token=")
    token = link.partition("token=")[2]
    for _ in range(3):
        shown = await client.get(f"/auth/link?token={token}")
        assert shown.status_code == 200 and "<form" in shown.text
    answers = await asyncio.gather(*(client.post("/auth/link", data={"token": token}) for _ in range(5)))
    assert sorted(a.status_code for a in answers) == [303, 401, 401, 401, 401]
    cookie = next(a for a in answers if a.status_code == 303).headers["set-cookie"]
    assert cookie.startswith("wattledger_session=") and "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert (await client.get("/v1/me")).json()["email"] == EMAIL


async def test_a_link_as_json_gives_an_access_token(app: FastAPI, client: AsyncClient, store: Store) -> None:
    await store.people.add_user(EMAIL)
    token = (await link_for(app, client) or "").partition("token=")[2]
    said = (await client.post("/auth/link", json={"token": token})).json()
    assert set(said) == {"access_token", "token_type"} and said["token_type"] == "bearer"
    headers = {"authorization": f"Bearer {said['access_token']}"}
    assert (await client.get("/v1/me", headers=headers)).json()["via"] == "session"
    assert (await client.post("/auth/sign-out", json={}, headers=headers)).status_code == 200
    assert (await client.get("/v1/me", headers=headers)).status_code == 401


async def test_a_link_is_too_old_after_ten_minutes(
    app: FastAPI, client: AsyncClient, store: Store, clock: FakeClock
) -> None:
    await store.people.add_user(EMAIL)
    token = (await link_for(app, client) or "").partition("token=")[2]
    clock.move(timedelta(minutes=11))
    assert (await client.post("/auth/link", data={"token": token})).status_code == 401


async def test_links_never_point_where_the_host_header_says(
    app: FastAPI, client: AsyncClient, store: Store, settings: Settings
) -> None:
    await store.people.add_user(EMAIL)
    evil = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}
    app.state.hub.address = "http://127.0.0.1:4711"
    link = await link_for(app, client, **evil)
    assert link and link.startswith("http://127.0.0.1:4711/auth/link?")


async def test_a_public_hub_shows_no_link_in_its_terminal(store: Store, settings: Settings) -> None:
    public = settings.model_copy(update={"base_url": "https://hub.example.org"})
    app = create_app(store, public)
    await store.people.add_user(EMAIL)
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
        assert await link_for(app, client) is None


async def test_on_https_the_cookie_is_bound_to_the_host(
    store: Store, settings: Settings, clock: FakeClock
) -> None:
    app = create_app(store, settings.model_copy(update={"base_url": "https://hub.example.org"}), clock=clock)
    async with AsyncClient(transport=ASGITransport(app), base_url="https://hub.example.org") as client:
        await sign_in(client, store, EMAIL, clock.now())
        assert client.cookies.get("__Host-wattledger_session")
        answer = await client.get("/v1/me")
        assert answer.status_code == 200 and answer.headers["strict-transport-security"]


async def test_signing_in_again_ends_the_session_the_browser_held(
    client: AsyncClient, store: Store, clock: FakeClock
) -> None:
    await sign_in(client, store, EMAIL, clock.now())
    first = client.cookies["wattledger_session"]
    await sign_in(client, store, EMAIL, clock.now())
    assert client.cookies["wattledger_session"] != first
    assert await store.people.session(first, clock.now()) is None
    await client.post("/auth/sign-out", data={})
    assert (await client.get("/v1/me")).status_code == 401


async def test_the_first_set_up_works_once(client: AsyncClient, store: Store) -> None:
    token = await store.people.setup_link()
    form = {"token": token, "email": EMAIL, "site": "Casa", "timezone": "America/Denver"}
    assert (await client.get(f"/setup?token={token}")).status_code == 200
    for wrong in ({"email": "x"}, {"timezone": "Mars/Olympus"}, {"site": ""}, {"token": "other"}):
        assert 400 <= (await client.post("/setup", data={**form, **wrong})).status_code < 500
    assert (await client.post("/setup", data=form)).status_code == 303
    me = (await client.get("/v1/me")).json()
    assert (me["email"], me["role"]) == (EMAIL, "owner")
    assert (me["site"]["name"], me["site"]["timezone"]) == ("Casa", "America/Denver")
    assert (await client.post("/setup", data={**form, "email": "eve@example.org"})).status_code == 401


async def test_many_wishes_from_one_address_are_429(client: AsyncClient) -> None:
    codes = [
        (await client.post("/v1/auth/link", json={"email": f"a{n}@example.org"})).status_code
        for n in range(32)
    ]
    assert codes == [202] * 30 + [429] * 2


@pytest.mark.parametrize("email", ["", "x", "a@b@c", "a\0@example.org", "a@example.org\r\nBcc: b@c.de"])
async def test_what_is_no_address_is_refused(client: AsyncClient, email: str) -> None:
    assert (await client.post("/v1/auth/link", json={"email": email})).status_code == 422


async def test_api_tokens_are_made_listed_and_ended(owner: AsyncClient, client: AsyncClient) -> None:
    made = (await owner.post("/v1/tokens", json={"name": "grafana"})).json()
    headers = {"authorization": f"Bearer {made['token']}"}
    assert (await client.get("/v1/me", headers=headers)).json()["via"] == "token"
    listed = (await owner.get("/v1/tokens")).json()["tokens"]
    assert made["token"] not in str(listed)
    id = next(row["id"] for row in listed if row["name"] == "grafana")
    assert (await owner.delete(f"/v1/tokens/{id}")).status_code == 200
    assert (await client.get("/v1/me", headers=headers)).status_code == 401
    assert (await owner.delete(f"/v1/tokens/{id}")).status_code == 404
    for wrong in ({}, {"name": ""}, {"name": "a\0"}, {"name": 7}, {"name": "x", "site": "other"}):
        assert (await owner.post("/v1/tokens", json=wrong)).status_code == 422


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Basic abc", "Bearer wl_wrong", "bearer " + "x" * 5000, "x"]
)
async def test_wrong_tokens_are_401(client: AsyncClient, header: str) -> None:
    answer = await client.get("/v1/me", headers={"authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "LOGIN_REQUIRED")


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ("/meter?by=day", "/meter?by=day"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("", "/"),
        ("/a\r\nset-cookie: x=y", "/"),
    ],
)
def test_after_signing_in_only_our_own_pages(wanted: str, where: str) -> None:
    assert local_path(wanted) == where


async def test_one_address_gets_few_links_and_nobody_can_tell(
    app: FastAPI, client: AsyncClient, store: Store
) -> None:
    await store.people.add_user(EMAIL)
    shown = [await link_for(app, client) for _ in range(7)]
    assert [link is not None for link in shown] == [True] * 5 + [False] * 2
