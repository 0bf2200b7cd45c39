"""A store over the toy parser, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.fake import StillClock, parse

from wattledger.secrets import Vault
from wattledger.store import Store, open_store


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def store(database_url: str, tmp_path: Path, clock: StillClock) -> AsyncIterator[Store]:
    opened = await open_store(database_url, data=tmp_path / "data", parse=parse, vault=Vault({}), clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
async def site(store: Store) -> str:
    return (await store.sites.default()).id


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table, on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url
