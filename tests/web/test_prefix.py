"""A hub behind a proxy's sub-path leads browsers through it, whoever takes the path off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from httpx2 import ASGITransport, AsyncClient

from tests.web.helpers import ADMIN, SECRET, FakeClock, sign_in
from wattledger.config import load_settings
from wattledger.store import Store
from wattledger.web.app import create_app
from wattledger.web.prefix import path_of

BASE = "http://127.0.0.1:8000"


@pytest.fixture
async def behind(store: Store, tmp_path: Path, clock: FakeClock) -> AsyncClient:
    settings = load_settings(
        tmp_path, {}, admin_token=ADMIN, webhook_secret=SECRET, base_url=f"{BASE}/energy"
    )
    app = create_app(store, settings, clock=clock)
    client = AsyncClient(transport=ASGITransport(app), base_url=BASE)
    await sign_in(client, store, "owner@example.org", clock.now())
    return client


@pytest.mark.parametrize("path", ["/energy/settings", "/settings"])
async def test_every_address_of_a_page_has_the_path(behind: AsyncClient, path: str) -> None:
    page = await behind.get(path, headers={"accept": "text/html"})
    assert page.status_code == 200
    found = re.findall(r'\s(?:href|action|src)="(/[^"]*)"', page.text)
    assert found and all(address.startswith("/energy/") for address in found)
    assert 'data-base="/energy"' in page.text
    assert int(page.headers["content-length"]) == len(page.content)


async def test_redirects_and_files_go_through_it(behind: AsyncClient) -> None:
    assert (await behind.get("/energy")).headers["location"] == "/energy/today"
    assert (await behind.get("/energy/healthz")).status_code == 200
    assert (await behind.get("/energy/v1/me")).json()["email"] == "owner@example.org"
    assert (await behind.get("/energy/static/css/tokens.css")).status_code == 200
    assert (await behind.get("/energysettings")).status_code == 404
    head = await behind.head("/energy/settings")
    assert head.status_code == 200 and not head.content


def test_the_path_of_an_address() -> None:
    assert path_of("https://example.org/energy/") == "/energy"
    assert path_of("https://example.org") == path_of(None) == ""
