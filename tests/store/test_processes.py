"""Several processes write at once into the same meters, from files in other orders."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from tests.store.fake import block, file, parse
from tests.store.test_crash import _sound

from wattledger.secrets import Vault
from wattledger.store import open_store

METERS = [f"{n:017d}" for n in range(12)]


def _files() -> list[tuple[int, list[str]]]:
    chance = random.Random(7)
    return [(i, chance.sample(METERS, len(METERS))) for i in range(10)]


FILES = [
    file(*(block(20000 + i % 3, [i + int(m)] * 96, p=p, rev=i) for p, m in enumerate(meters)), points=meters)
    for i, meters in _files()
]


def test_three_processes_reach_one_ledger(database_url: str, tmp_path: Path) -> None:
    children = [_fork(database_url, tmp_path, seed) for seed in range(3)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    asyncio.run(_check(database_url, tmp_path))


@pytest.mark.soak
def test_three_processes_often(database_url: str, tmp_path: Path) -> None:
    for seed in range(0, 60, 3):
        children = [_fork(database_url, tmp_path, seed + i) for i in range(3)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]


def _fork(url: str, data: Path, seed: int) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        asyncio.run(_deliver(url, data, seed))
        status = 0
    finally:
        os._exit(status)


async def _deliver(url: str, data: Path, seed: int) -> None:
    store = await open_store(url, data=data, parse=parse, vault=Vault({}))
    site = (await store.sites.default()).id
    for payload in random.Random(seed).sample(FILES, len(FILES)):
        assert (await store.payloads.deliver(site, payload)).state == "read"
    await store.close()


async def _check(url: str, data: Path) -> None:
    store = await open_store(url, data=data, parse=parse, vault=Vault({}))
    try:
        assert len(await store.payloads.list()) == len(FILES)
        assert await store.digest() == await _sound(data, FILES)
    finally:
        await store.close()
