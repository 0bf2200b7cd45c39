"""A store with a meter, cars and a source, and a broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.interop.mosquitto import Mosquitto
from tests.payloads import smt
from tests.payloads.cars import week
from tests.payloads.smartcar import HOME
from tests.web.helpers import FakeClock
from wattledger import connectors
from wattledger.model import Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.people.sites import Home

BOTH = {"test_one_publishes_at_a_time", "test_another_takes_over", "test_what_the_ledger_holds_altogether"}
"""tests of what the two databases do differently; the others need one"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_url" in metafunc.fixturenames:
        engines = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]
        both = metafunc.function.__name__ in BOTH
        metafunc.parametrize("database_url", engines if both else engines[:1], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 6, 15, 17, 0, tzinfo=UTC))


@pytest.fixture
async def store(database_url: str, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    vault = Vault({"test": b"k" * 32})
    found = await open_store(database_url, data=tmp_path, parse=connectors.parse, vault=vault, clock=clock)
    yield found
    await found.close()


@pytest.fixture
async def site(store: Store, clock: FakeClock) -> str:
    """A meter with three days, and a car with a week of charging."""
    site = (await store.sites.default()).id
    await store.sites.set_home(site, Home(**HOME))
    body = smt.csv(*smt.days(smt.FALL, 3))
    await store.payloads.deliver(site, upload(body, clock))
    for payload in week(clock.now()):
        await store.payloads.deliver(site, payload)
    return site


def upload(body: bytes, clock: FakeClock) -> Payload:
    """A file from the portal."""
    return Payload("smart_meter_texas", Source.UPLOAD, body, clock.now(), "x.csv", "text/csv")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    running = Mosquitto(tmp_path)
    running.start()
    yield running
    running.stop()
