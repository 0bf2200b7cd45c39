"""A hub around a real store on either database, called in-process; `server.py` has one on a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.payloads import smt
from tests.web.helpers import ADMIN, BASE, SECRET, FakeClock, Relay, machine
from wattledger import connectors
from wattledger.config import Settings, load_settings
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.web.app import create_app

BOTH = {
    "test_pull",
    "test_stream",
    "test_energy",
    "test_analysis",
    "test_tenancy",
    "test_uploads",
    "test_inspector",
    "test_pages",
    "test_people",
    "test_balance",
    "test_sessions",
    "test_alerts",
    "test_alert_units",
    "test_alerts_told",
    "test_everything",
    "test_mail_restart",
}
"""modules whose routes ask the database; the others, and bad input, need one engine"""

NOON = datetime(2026, 6, 15, 17, 0, tzinfo=UTC)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_url" in metafunc.fixturenames:
        engines = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]
        both = (
            metafunc.module.__name__.rpartition(".")[2] in BOTH and "_bad_" not in metafunc.function.__name__
        )
        metafunc.parametrize("database_url", engines if both else engines[:1], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, {}, admin_token=ADMIN, webhook_secret=SECRET)


@pytest.fixture
async def store(database_url: str, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    vault = Vault({"test": b"k" * 32})
    found = await open_store(database_url, data=tmp_path, parse=connectors.parse, vault=vault, clock=clock)
    yield found
    await found.close()


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def app(store: Store, settings: Settings, clock: FakeClock, relay: Relay) -> FastAPI:
    found = create_app(store, settings, clock=clock, trigger=relay)
    found.state.hub.announce = lambda line: None
    return found


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """Nobody in particular."""
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as found:
        yield found


@pytest.fixture
async def robot(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A relay: it sends both secrets."""
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=machine()) as found:
        yield found


@pytest.fixture
async def owner(app: FastAPI, store: Store) -> AsyncIterator[AsyncClient]:
    """The owner of the default site, by API token."""
    await store.people.add_user("owner@example.org")
    token = await store.people.api_token("owner@example.org", "tests")
    headers = {"authorization": f"Bearer {token}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=headers) as found:
        yield found


@pytest.fixture
async def point(owner: AsyncClient) -> str:
    """The id of a meter with 40 days around a fall-back day, one day of them estimated, one missing."""
    answer = await owner.post("/v1/uploads?filename=IntervalData.csv", content=_export())
    assert answer.status_code == 200, answer.text
    listed = (await owner.get("/v1/usage-points")).json()["usage_points"]
    return str(listed[0]["id"])


@cache
def _export() -> bytes:
    days = smt.days(smt.FALL - timedelta(20), 40)
    days[5].letters = "E" * 96
    del days[10]
    return smt.csv(*days)
