"""The restore drill: backup of a home, back onto an empty host, everything checked, the time taken."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.fake import block, file, parse
from tests.turns import minutes
from wattledger.secrets import Vault
from wattledger.store import open_store

Record = Callable[[str, object], None]
METERS = [f"{n:017d}" for n in range(100)]
SAFE = 100
"""days in a row without a change of the clock"""
ENGINES = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]
SMALL = (20, 4)
"""files with energy, and large files (0.8 MB, which do not compress)"""
LARGE = (400, int(600 * max(1, minutes() / 10)))
"""0.25 GB, and as much again for every ten minutes that are given"""


def command(*words: object, data: Path, url: str) -> str:
    environ = {
        "HOME": str(data),
        "PATH": os.environ["PATH"],
        "WATTLEDGER_DATA": str(data),
        "DATABASE_URL": url,
    }
    call = [sys.executable, "-m", "wattledger", *map(str, words)]
    done = subprocess.run(call, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def fill(url: str, data: Path, files: int, large: int) -> str:
    """A home of 20 meters and more. Returns its digest."""
    data.mkdir()
    store, chance = await open_store(url, data=data, parse=parse, vault=Vault({})), random.Random(16)
    site = (await store.sites.default()).id
    for number in range(files):
        group, day = divmod(number, SAFE)
        blocks = [block(20040 + day, [chance.randrange(4000) for _ in range(96)], p=p) for p in range(20)]
        meters = METERS[group * 20 : group * 20 + 20]
        await store.payloads.deliver(site, file(*blocks, points=meters))
    for number in range(large):
        group, day = divmod(number, SAFE)
        noise = chance.randbytes(400_000).hex()
        await store.payloads.deliver(
            site, file(block(10000 + day, [1] * 96, p=group), points=METERS, noise=noise)
        )
    word = await store.digest()
    await store.close()
    return word


async def drill(url: str, empty: str, tmp_path: Path, size: tuple[int, int], record: Record) -> None:
    word = await fill(url, tmp_path / "a", *size)
    archive = tmp_path / "home.tar"
    begun = time.monotonic()
    command("backup", archive, data=tmp_path / "a", url=url)
    saved = time.monotonic()
    (tmp_path / "b").mkdir()
    assert word in command("restore", archive, data=tmp_path / "b", url=empty)
    back = time.monotonic()
    told = command("db", "scrub", data=tmp_path / "b", url=empty)
    assert told == f"{sum(size)} bodies and {size[0] * 20 + size[1]} days were checked.\n"
    mib = archive.stat().st_size / 2**20
    record("MiB", round(mib))
    record("backup_s", round(saved - begun, 1))
    record("restore_with_its_checks_s", round(back - saved, 1))
    record("bodies_and_days_compared", sum(size) + size[0] * 20 + size[1])
    record("minutes_for_10_GB_at_this_rate", round((back - saved) / mib * 10_000 / 1.048576 / 60, 1))


def urls(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> tuple[str, str]:
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'a/wattledger.db'}", f"sqlite:///{tmp_path / 'b/wattledger.db'}"
    return request.getfixturevalue("postgres_url"), request.getfixturevalue("empty_postgres_url")


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_small_drill(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, record_property: Record
) -> None:
    await drill(*urls(request, engine, tmp_path), tmp_path, SMALL, record_property)


@pytest.mark.soak
@pytest.mark.parametrize("engine", ENGINES)
async def test_restore_drill(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, record_property: Record
) -> None:
    await drill(*urls(request, engine, tmp_path), tmp_path, LARGE, record_property)
