"""A migrated database of each kind, and a clock that tests turn."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.turning import TurningClock
from wattledger.store.database import Database
from wattledger.store.migrate import migrate


@pytest.fixture
def clock() -> TurningClock:
    return TurningClock()


@pytest.fixture
async def database(database_url: str, clock: TurningClock) -> AsyncIterator[Database]:
    opened = Database(database_url, clock)
    await migrate(opened)
    yield opened
    await opened.close()
