"""What is expected: quarter-hours in which a reading could be missed, and none that are yet to come."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.store.fake import block, file, parse

from wattledger import localday
from wattledger.model import Flow
from wattledger.secrets import Vault
from wattledger.store import Store, open_store

DAY, TZ = 20000, "America/Chicago"
D = Flow.DELIVERED


class At:
    """A clock that shows one instant."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0


async def opened(url: str, data: Path, slot: int, minutes: float = 0) -> Store:
    """A store at a quarter-hour of DAY, or some minutes after it began."""
    now = localday.instant(DAY, slot, TZ) + timedelta(minutes=minutes)
    return await open_store(url, data=data, parse=parse, vault=Vault({}), clock=At(now))


@pytest.mark.parametrize(
    ("kind", "slot", "expected"),
    [
        ("meter", 40, 96 + 40),  # ten o'clock of the second day
        ("meter", 10, 96 + 20),  # a clock that is behind the readings
        ("meter", 96, 192),
        ("meter", 300, 192),
        ("appliance", 40, 6 + 20),  # from the first reading to the newest
        ("appliance", 300, 6 + 20),
    ],
)
@pytest.mark.parametrize("minutes", [0, 14.9])
async def test_expected_and_gaps_agree(
    database_url: str, tmp_path: Path, kind: str, slot: int, expected: int, minutes: float
) -> None:
    store = await opened(database_url, tmp_path, slot, minutes)
    blocks = block(DAY - 1, [None] * 90 + [1] * 6), block(DAY, [1] * 8 + [None] * 4 + [1] * 8)
    await store.payloads.deliver((await store.sites.default()).id, file(*blocks, kind=kind))
    (point,) = await store.points.list(None)
    known = await store.energy.coverage(point, D)
    assert (known.expected, known.found) == (expected, 6 + 16)
    missing = sum(gap.slots for gap in await store.energy.gaps(point, D))
    assert missing == known.expected - known.found
    assert await store.energy.gaps(point, D, DAY + 30, DAY + 40) == []
    await store.close()
