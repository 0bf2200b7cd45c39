"""Two sites: whatever belongs to the other one does not exist."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import insert, select, update

from tests.payloads import smt
from tests.web.helpers import BASE
from wattledger.faults import sabotage
from wattledger.store import Store
from wattledger.store.tables import api_token, membership, person, site
from wattledger.web.routes import inventory

OTHER = "0000000000000000000000000000000b"


@pytest.fixture
async def stranger(app: FastAPI, store: Store) -> AsyncIterator[AsyncClient]:
    """The owner of another site."""
    await store.people.add_user("eve@example.org")
    token = await store.people.api_token("eve@example.org", "tests")
    now = store.database.clock.now()
    async with store.begin() as c:
        await c.execute(
            insert(site).values(id=OTHER, name="Other", timezone="America/Denver", created_at=now)
        )
        who = await c.scalar(select(person.c.id).where(person.c.email == "eve@example.org"))
        await c.execute(update(membership).where(membership.c.person == who).values(site=OTHER))
        await c.execute(update(api_token).where(api_token.c.person == who).values(site=OTHER))
    headers = {"authorization": f"Bearer {token}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=headers) as found:
        yield found


def paths(app: FastAPI, point: str, payload: str, token: str) -> list[tuple[str, str]]:
    """Every route of people that names one thing, with an id of the first site."""
    ids = {"/v1/usage-points/": point, "/v1/payloads/": payload, "/v1/tokens/": token}
    found = []
    for row in inventory(app):
        for prefix, id in ids.items():
            if row.path.startswith(prefix) and row.guard != "operator":
                found.append((row.method, row.path.replace("{id}", id)))
    return found


async def test_other_sites_things_are_404(
    app: FastAPI, owner: AsyncClient, stranger: AsyncClient, point: str, store: Store
) -> None:
    payload = (await owner.get("/v1/payloads")).json()["payloads"][0]["id"]
    token = (await owner.get("/v1/tokens")).json()["tokens"][0]["id"]
    before = await store.digest()
    named = paths(app, point, payload, token)
    assert len(named) >= 12
    for method, path in named:
        answer = await stranger.request(method, path, json={} if method in ("POST", "PATCH") else None)
        missing = await stranger.request(
            method, path.replace(point, "f" * 32).replace(f"/{payload}", "/999999"), json={}
        )
        assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND"), (method, path)
        assert missing.status_code == 404 and missing.json()["message"] == answer.json()["message"]
    assert (await stranger.get("/v1/usage-points")).json() == {"usage_points": []}
    assert (await stranger.get("/v1/payloads")).json() == {"payloads": [], "next": None}
    assert await store.digest() == before


async def test_an_upload_writes_only_into_meters_of_its_own_site(
    owner: AsyncClient, stranger: AsyncClient, point: str, store: Store
) -> None:
    before = await store.digest()
    forged = smt.csv(smt.Day(smt.NORMAL, [9999] * 96))
    said = (await stranger.post("/v1/uploads?filename=x.csv", content=forged)).json()
    assert said["summary"]["accepted"] == 0 and said["summary"]["rejected"] == 96
    assert await store.digest() == before


async def test_sabotage_tenant_scope_is_noticed(
    owner: AsyncClient, stranger: AsyncClient, point: str
) -> None:
    async def hidden() -> bool:
        return (await stranger.get(f"/v1/usage-points/{point}")).status_code == 404

    assert await hidden()
    with sabotage("tenant_scope"):
        assert not await hidden()
