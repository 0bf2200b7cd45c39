"""A hub that connects cars of a simulated Smartcar, on both databases and by both generations of its API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.ev.helpers import CALLBACK, EMAIL, bearer, other_site
from tests.web.helpers import ADMIN, BASE, SECRET, FakeClock
from wattledger import connectors
from wattledger.cli.collector import on_demand
from wattledger.cli.runtime import Runtime
from wattledger.config import Settings, load_settings
from wattledger.connectors.smartcar import Smartcar
from wattledger.connectors.smartcar.auth import Grants
from wattledger.secrets import Vault
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_connect import ALLOW
from wattledger.store import Store, open_store
from wattledger.web.app import create_app
from wattledger.web.contracts.ev import grant

NOW = datetime(2026, 6, 15, 8, 2, tzinfo=UTC)
"""three in the morning in Texas: the car charges"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def api() -> str:
    return "v2"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits in tests."""
    monkeypatch.setattr(grant, "PATIENCE", 0.4)
    monkeypatch.setattr(grant, "AGAIN", (0.01, 0.01))


@pytest.fixture
async def vendor(clock: FakeClock) -> AsyncIterator[SmartcarSimulator]:
    async with SmartcarSimulator(clock=clock, redirect_uris=[BASE + CALLBACK]) as found:
        found.desk.decides = ALLOW
        yield found


@pytest.fixture
def settings(tmp_path: Path, vendor: SmartcarSimulator, api: str) -> Settings:
    return load_settings(tmp_path, vendor.environment(api), admin_token=ADMIN, webhook_secret=SECRET)


@pytest.fixture
async def runtime(
    database_url: str, settings: Settings, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Runtime]:
    monkeypatch.setattr(Smartcar, "grant", Grants(clock))
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
    """Nobody in particular, or a browser once it has signed in."""
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as found:
        yield found


@pytest.fixture
async def owner(app: FastAPI, store: Store) -> AsyncIterator[AsyncClient]:
    """The owner of the default site, by API token."""
    async with AsyncClient(
        transport=ASGITransport(app), base_url=BASE, headers=await bearer(store, EMAIL)
    ) as found:
        yield found


@pytest.fixture
async def neighbour(app: FastAPI, store: Store) -> AsyncIterator[AsyncClient]:
    """The owner of another site."""
    headers = await bearer(store, "eve@example.org")
    await other_site(store, "eve@example.org")
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=headers) as found:
        yield found
