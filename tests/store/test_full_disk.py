"""A disk that fills up and is freed, over and over: nothing acknowledged is lost, and work goes on by itself.

The disk is a small tmpfs of its own, which only root may mount.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from tests.disks import filled, mounted
from tests.store.fake import StillClock, block, file, parse
from tests.turns import minutes

from wattledger.errors import WattledgerError
from wattledger.model import Payload
from wattledger.secrets import Vault
from wattledger.store import Store, open_store


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "24m") as there:
        if not there:
            pytest.skip("only root may mount a disk of its own")
        yield tmp_path / "disk"


async def cycle(store: Store, site: str, disk: Path, number: int) -> tuple[set[str], int]:
    """Deliver on a full disk, free it, deliver again. Returns what was acknowledged, and the refusals."""
    acked: set[str] = set()
    refused = 0
    ballast = filled(disk)
    for n in range(3):
        try:
            acked.add((await store.payloads.deliver(site, told(number, n))).sha256)
        except (WattledgerError, OSError):
            refused += 1
    ballast.unlink()
    await store.payloads.read_orphans()
    waiting = [row.filename for row in await store.payloads.list(site) if row.state == "stored"]
    assert not waiting, "what was archived, but could not be read, waits for its lease"
    for n in range(3):
        receipt = await store.payloads.deliver(site, told(number, n))
        assert receipt.state == "read"
        acked.add(receipt.sha256)
    return acked, refused


def told(number: int, n: int) -> Payload:
    return file(block(20000 + number, [number % 9, n] * 48), noise="ab" * 40_000, name=f"{number}-{n}")


async def many(disk: Path, cycles: int, minutes: float) -> tuple[int, int]:
    store = await open_store(
        f"sqlite:///{disk / 'hub.db'}", data=disk, parse=parse, vault=Vault({}), clock=StillClock()
    )
    site, until = (await store.sites.default()).id, monotonic() + 60 * minutes
    acked: set[str] = set()
    refused = done = 0
    while done < cycles and monotonic() < until:
        more, times = await cycle(store, site, disk, done)
        acked, refused, done = acked | more, refused + times, done + 1
    kept = {row.sha256 for row in await store.payloads.list(site, limit=10_000) if row.state == "read"}
    assert acked <= kept, "lost: a file was acknowledged and is not read"
    before = await store.digest()
    assert (await store.replay()).digest == before
    await store.close()
    assert refused, "the disk was never full"
    return done, refused


async def test_three_times_full(disk: Path) -> None:
    assert (await many(disk, 3, 1))[0] == 3


@pytest.mark.soak
async def test_a_hundred_times_full(disk: Path, record_property: Callable[[str, object], None]) -> None:
    done, refused = await many(disk, 100, minutes())
    record_property("fillings", done)
    record_property("refused_and_delivered_again", refused)
