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
