"""People over HTTP: inviting, accepting, roles, leaving, sites, the audit, and whose a meter is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.payloads import smt
from tests.web.helpers import BASE, Relay, sign_in
from wattledger.store import Store
from wattledger.store.people.sites import DEFAULT_SITE

GUEST = "guest@example.org"
Opener = Callable[[str], AsyncClient]


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as found:
        yield found


@pytest.fixture
async def operator(app: FastAPI, store: Store) -> AsyncIterator[AsyncClient]:
    await store.people.add_user("operator@example.org", operator=True)
    token = await store.people.api_token("operator@example.org", "tests")
    headers = {"authorization": f"Bearer {token}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=headers) as found:
        yield found


async def invite(app: FastAPI, by: AsyncClient, role: str = "member", email: str = GUEST) -> str:
    """Invite somebody; the word of the link that the terminal shows, since no mail is set up."""
    lines: list[str] = []
    app.state.hub.announce = lines.append
    answer = await by.post("/v1/invitations", json={"email": email, "role": role})
    assert answer.status_code == 201 and "token" not in answer.text
    found = re.search(rf"{BASE}/invitation\?token=(\S+)", lines[0])
    assert found is not None
    return found.group(1)


async def test_an_invitation_is_shown_then_accepted_once(
    app: FastAPI, owner: AsyncClient, browser: AsyncClient
) -> None:
    word = await invite(app, owner, "admin")
    assert [i["email"] for i in (await owner.get("/v1/invitations")).json()["invitations"]] == [GUEST]
    for _ in range(3):
        shown = await browser.get(f"/invitation?token={word}")
        assert shown.status_code == 200 and GUEST in shown.text and "<form" in shown.text
        assert (await browser.head(f"/invitation?token={word}")).status_code == 200
    assert (await browser.post("/invitation", data={"token": word})).status_code == 303
    me = (await browser.get("/v1/me")).json()
    assert (me["email"], me["role"]) == (GUEST, "admin")
    assert (await browser.post("/invitation", data={"token": word})).status_code == 401
    assert (await browser.get(f"/invitation?token={word}")).status_code == 410
    people = (await owner.get("/v1/people")).json()["people"]
    assert [(p["email"], p["role"], p["me"]) for p in people] == [
        (GUEST, "admin", False), ("owner@example.org", "owner", True),
    ]  # fmt: skip


async def test_accepting_as_json_gives_an_access_token(
    app: FastAPI, owner: AsyncClient, browser: AsyncClient
) -> None:
    said = (await browser.post("/invitation", json={"token": await invite(app, owner)})).json()
    assert said["token_type"] == "bearer"
    headers = {"authorization": f"Bearer {said['access_token']}"}
    assert (await browser.get("/v1/me", headers=headers)).json()["role"] == "member"


async def test_an_admin_invites_and_removes_members_only(
    app: FastAPI, owner: AsyncClient, browser: AsyncClient, store: Store
) -> None:
    await browser.post("/invitation", data={"token": await invite(app, owner, "admin")})
    for role in ("owner", "admin"):
        answer = await browser.post("/v1/invitations", json={"email": "x@example.org", "role": role})
        assert answer.status_code == 403, role
    await invite(app, owner, "owner", "second@example.org")
    (waiting,) = (await browser.get("/v1/invitations")).json()["invitations"]
    assert (await browser.delete(f"/v1/invitations/{waiting['id']}")).status_code == 404
    owner_id = next(
        p["id"] for p in (await browser.get("/v1/people")).json()["people"] if p["role"] == "owner"
    )
    assert (await browser.delete(f"/v1/people/{owner_id}")).status_code == 403
    assert (await browser.post(f"/v1/people/{owner_id}/sign-out", json={})).status_code == 403
    word = await invite(app, browser, "member", "third@example.org")
    assert await store.people.accept(word, app.state.hub.clock.now())
    third = next(p["id"] for p in (await browser.get("/v1/people")).json()["people"] if p["role"] == "member")
    assert (await browser.delete(f"/v1/people/{third}")).status_code == 200


async def test_somebody_removed_is_out_at_once(
    app: FastAPI, owner: AsyncClient, browser: AsyncClient
) -> None:
    await browser.post("/invitation", data={"token": await invite(app, owner)})
    token = (await browser.post("/v1/tokens", json={"name": "x"})).json()["token"]
    guest = next(p["id"] for p in (await owner.get("/v1/people")).json()["people"] if p["email"] == GUEST)
    assert (await owner.delete(f"/v1/people/{guest}")).status_code == 200
    assert (await browser.get("/v1/me")).status_code == 401
    headers = {"authorization": f"Bearer {token}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=headers) as program:
        assert (await program.get("/v1/me")).status_code == 401
    assert (await owner.post("/v1/people/leave", json={})).status_code == 409


async def test_signing_out_everywhere_ends_every_session_and_no_token(
    app: FastAPI, owner: AsyncClient, browser: AsyncClient, store: Store
) -> None:
    await sign_in(browser, store, "owner@example.org", app.state.hub.clock.now())
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as second:
        await sign_in(second, store, "owner@example.org", app.state.hub.clock.now())
        assert "Another browser" in (await browser.get("/settings")).text
        assert (await browser.post("/auth/sign-out-everywhere", data={"x": ""})).status_code == 303
        for one in (browser, second):
            assert (await one.get("/v1/me")).status_code == 401
    assert (await owner.get("/v1/me")).status_code == 200


async def test_a_person_of_two_sites_goes_from_one_to_the_other(
    app: FastAPI, owner: AsyncClient, browser: AsyncClient, operator: AsyncClient
) -> None:
    made = await operator.post("/v1/sites", json={"name": "Maple Street", "timezone": "America/Denver"})
    site = made.json()["id"]
    assert made.status_code == 201 and made.json()["role"] == "owner"
    await sign_in(browser, app.state.hub.store, "operator@example.org", app.state.hub.clock.now())
    sites = (await browser.get("/v1/sites")).json()["sites"]
    assert [(s["name"], s["here"]) for s in sites] == [("Home", True), ("Maple Street", False)]
    assert 'action="/site"' in (await browser.get("/people")).text
    assert (await browser.post("/site", data={"site": site})).status_code == 303
    assert (await browser.get("/v1/me")).json()["site"]["name"] == "Maple Street"
    assert (await browser.post("/site", data={"site": "f" * 32})).status_code == 404
    assert (await operator.get("/v1/me")).json()["site"]["name"] == "Home"
    assert (await owner.post("/v1/sites", json={"name": "Mine"})).status_code == 403


async def test_the_audit_shows_a_site_its_own_and_the_operator_all(
    app: FastAPI, owner: AsyncClient, operator: AsyncClient
) -> None:
    await operator.post("/v1/sites", json={"name": "Maple Street"})
    await invite(app, owner)
    rows = (await owner.get("/v1/audit?limit=2")).json()
    assert [r["action"] for r in rows["audit"]] == ["invitation.made", "api_token.made"]
    assert rows["audit"][0]["who"] == "owner@example.org"
    older = (await owner.get(f"/v1/audit?before={rows['next']}")).json()["audit"]
    assert older and all(int(r["id"]) < int(rows["next"]) for r in older)
    everything = (await operator.get("/v1/audit/all")).json()["audit"]
    assert {"site.made", "invitation.made"} <= {r["action"] for r in everything}
    assert "site.made" not in {r["action"] for r in (await owner.get("/v1/audit")).json()["audit"]}
    page = (await owner.get("/audit")).text
    assert "invitation.made" in page and "Maple Street" not in page


async def test_the_operator_gives_a_meter_to_a_site(
    owner: AsyncClient, operator: AsyncClient, point: str
) -> None:
    site = (await operator.post("/v1/sites", json={"name": "Maple Street"})).json()["id"]
    answer = await operator.post(f"/v1/usage-points/{point}/assign", json={"site": site})
    assert answer.status_code == 200
    assert (await owner.get("/v1/usage-points")).json() == {"usage_points": []}
    assert (await owner.get("/v1/audit")).json()["audit"][0]["action"] == "usage_point.changed"
    fresh = await operator.post("/v1/usage-points", json={"esiid": smt.CENTERPOINT, "site": DEFAULT_SITE})
    assert fresh.status_code == 201
    listed = (await owner.get("/v1/usage-points")).json()["usage_points"]
    assert [p["external_id"] for p in listed] == [smt.CENTERPOINT]
    assert (await owner.get(f"/meter?point={listed[0]['id']}")).status_code == 200
    for body in ({"esiid": "12", "site": site}, {"esiid": smt.ONCOR, "site": "f" * 32}):
        assert (await operator.post("/v1/usage-points", json=body)).status_code in (400, 404)


async def test_an_agreement_is_asked_for_and_the_meter_awaited(owner: AsyncClient, relay: Relay) -> None:
    body = {
        "esiid": smt.ONCOR, "email": "me@example.org", "meter_number": "1", "puct_number": "10052",
    }  # fmt: skip
    answer = await owner.post("/v1/agreements", json=body)
    assert answer.status_code == 202, answer.text
    assert relay.wishes[0]["request"]["kind"] == "agreement_new"
    assert relay.wishes[0]["request"]["meters"][0]["esiid"] == smt.ONCOR
    assert [a["esiid"] for a in (await owner.get("/v1/agreements")).json()["agreements"]] == [smt.ONCOR]


async def test_a_meter_of_another_site_is_not_asked_for(
    owner: AsyncClient, operator: AsyncClient, relay: Relay
) -> None:
    site = (await operator.post("/v1/sites", json={"name": "Maple Street"})).json()["id"]
    await operator.post("/v1/usage-points", json={"esiid": smt.ONCOR, "site": site})
    body = {
        "esiid": smt.ONCOR, "email": "me@example.org", "meter_number": "1", "puct_number": "10052",
    }  # fmt: skip
    answer = await owner.post("/v1/agreements", json=body)
    assert (answer.status_code, answer.json()["error"], relay.wishes) == (409, "ESIID_HELD", [])
