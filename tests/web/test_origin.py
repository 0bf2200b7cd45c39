"""Another site's page changes nothing here; the origins that the settings name may call the API."""

from __future__ import annotations

import pytest
from httpx2 import ASGITransport, AsyncClient

from tests.web.helpers import BASE, FakeClock, sign_in
from wattledger.config import Settings
from wattledger.faults import sabotage
from wattledger.store import Store
from wattledger.web.app import create_app

OURS = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"origin": OURS}, 201),
        ({"origin": OURS, "sec-fetch-site": "same-origin"}, 201),
        ({"sec-fetch-site": "none"}, 201),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:8001"}, 403),
        ({"origin": "http://127.0.0.1:8000.evil.example"}, 403),
        ({"origin": "http://[::1"}, 403),
        ({"origin": ""}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": OURS, "sec-fetch-site": "cross-site"}, 403),
        ({"origin": "https://evil.example", "host": "evil.example"}, 403),
    ],
)
async def test_changes_by_cookie(
    client: AsyncClient, store: Store, clock: FakeClock, headers: dict[str, str], status: int
) -> None:
    await sign_in(client, store, "ada@example.org", clock.now())
    answer = await client.post("/v1/tokens", json={"name": "x"}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert (await client.get("/v1/tokens")).json()["tokens"] == []


async def test_forms_are_checked_too(client: AsyncClient) -> None:
    for path in ("/auth/link", "/setup", "/v1/auth/link", "/auth/sign-out"):
        answer = await client.post(path, data={"token": "x"}, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403, path


async def test_reading_is_never_refused_by_origin(client: AsyncClient) -> None:
    assert (await client.get("/healthz", headers={"origin": "https://evil.example"})).status_code == 200


async def test_named_origins_may_call(store: Store, settings: Settings) -> None:
    app = create_app(store, settings.model_copy(update={"frontend_url": "https://app.example.org/home"}))
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
        asked = {"origin": "https://app.example.org", "access-control-request-method": "POST"}
        said = await client.options("/v1/uploads", headers=asked)
        assert said.headers["access-control-allow-origin"] == "https://app.example.org"
        origin = {"origin": asked["origin"]}
        post = await client.post("/v1/auth/link", json={"email": "a@b.org"}, headers=origin)
        assert post.status_code == 202
        assert post.headers["access-control-allow-origin"] == "https://app.example.org"
        other = await client.options("/v1/uploads", headers={**asked, "origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_a_star_is_never_an_origin(store: Store, settings: Settings) -> None:
    app = create_app(store, settings.model_copy(update={"allowed_origins": ("*",)}))
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
        answer = await client.get("/healthz", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers


async def test_sabotage_csrf_is_noticed(client: AsyncClient, store: Store, clock: FakeClock) -> None:
    await sign_in(client, store, "ada@example.org", clock.now())

    async def refused() -> bool:
        headers = {"origin": "https://evil.example"}
        return (await client.post("/v1/tokens", json={"name": "x"}, headers=headers)).status_code == 403

    assert await refused()
    with sabotage("csrf"):
        assert not await refused()
