"""A hub that collects from a simulated SmartThings, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.web.helpers import ADMIN, BASE, SECRET, FakeClock
from wattledger import connectors
from wattledger.cli.collector import on_demand
from wattledger.cli.runtime import Runtime
from wattledger.config import Settings, load_settings
from wattledger.connectors.smartthings import SmartThings
from wattledger.connectors.smartthings.auth import Grants
from wattledger.secrets import Vault
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store import Store, open_store
from wattledger.web.app import create_app

NOW = datetime(2026, 7, 15, 21, 2, 30, tzinfo=UTC)
"""four in the afternoon in Texas, in summer"""
EMAIL = "owner@example.org"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
async def vendor(clock: FakeClock) -> AsyncIterator[SmartThingsSimulator]:
    async with SmartThingsSimulator(clock=clock) as found:
        found.issuer.redirect_uri = f"{BASE}/oauth/smartthings/callback"
        yield found


@pytest.fixture
def settings(tmp_path: Path, vendor: SmartThingsSimulator) -> Settings:
    return load_settings(tmp_path, vendor.environment(), admin_token=ADMIN, webhook_secret=SECRET)


@pytest.fixture
async def runtime(
    database_url: str,
    settings: Settings,
    clock: FakeClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Runtime]:
    monkeypatch.setattr(SmartThings, "grant", Grants(clock))
    vault = Vault({"test": b"k" * 32})
    store = await open_store(database_url, data=tmp_path, parse=connectors.parse, vault=vault, clock=clock)
    yield Runtime(settings, vault, store, clock)
    await store.close()


@pytest.fixture
def store(runtime: Runtime) -> Store:
    return runtime.store


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    found = create_app(
        runtime.store, runtime.settings, clock=runtime.clock, on_demand=on_demand(runtime), address=BASE
    )
    found.state.hub.announce = lambda line: None
    return found


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as found:
        yield found


@pytest.fixture
async def owner(app: FastAPI, store: Store) -> AsyncIterator[AsyncClient]:
    """The owner of the default site, by API token."""
    await store.people.add_user(EMAIL)
    word = await store.people.api_token(EMAIL, "tests")
    headers = {"authorization": f"Bearer {word}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=headers) as found:
        yield found


@pytest.fixture
async def connection(owner: AsyncClient, vendor: SmartThingsSimulator) -> str:
    """A connection with a pasted token that was collected once."""
    body = {"connector": "smartthings", "token": vendor.issuer.pasted()}
    made = await owner.post("/v1/connections", json=body)
    assert made.status_code == 201, made.text
    id = str(made.json()["connection"]["id"])
    polled = await owner.post(f"/v1/connections/{id}/poll")
    assert polled.status_code == 200 and polled.json()["ok"], polled.text
    return id
