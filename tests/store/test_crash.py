"""kill -9 at every commit and at random: nothing acknowledged is lost, nothing doubled, no Wh changed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.store.fake import StillClock, block, file, parse

from wattledger.faults import arm, kill_at, sabotage
from wattledger.model import Payload
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.database import Database

POINTS = (
    "hub.before_archive_commit",
    "hub.after_archive_commit",
    "hub.before_ledger_commit",
    "hub.after_ledger_commit",
)
_known: dict[tuple[str, ...], str] = {}
FILES = [
    file(block(20000 + i // 2, [i] * 96, rev=i % 3, fl=[i % 2] * 96), block(20000 + i, [i] * 96), name=str(i))
    for i in range(6)
]


@dataclass
class Home:
    """A database, the folder beside it, and what its ledger must come to."""

    url: str
    data: Path

    async def open(self) -> Store:
        return await open_store(self.url, data=self.data, parse=parse, vault=Vault({}), clock=StillClock())


@pytest.fixture
def home(database_url: str, tmp_path: Path) -> Home:
    return Home(database_url, tmp_path / "data")


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("count", [1, 4])
def test_killed_at_a_commit(home: Home, point: str, count: int) -> None:
    child, pipe = deliver_in_child(home, point, count)
    os.waitpid(child, 0)
    check(home, acknowledged(pipe))


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_random(home: Home, seed: int) -> None:
    child, pipe = deliver_in_child(home, "nowhere", 1)
    time.sleep(random.Random(seed).uniform(0.02, 0.3))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    check(home, acknowledged(pipe))


def test_a_killed_replay_leaves_the_ledger(home: Home) -> None:
    child, pipe = deliver_in_child(home, "nowhere", 1)
    os.waitpid(child, 0)
    acked, child = acknowledged(pipe), os.fork()
    if not child:
        try:
            arm("hub.before_replay_commit", kill_at(1))
            asyncio.run(_withdraw(home))
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    check(home, acked)


async def _withdraw(home: Home) -> None:
    store = await home.open()
    await store.payloads.withdraw(1, None, "me")


def test_sabotage_archive_first_is_noticed(home: Home) -> None:
    with sabotage("archive_first"):
        child, pipe = deliver_in_child(home, "hub.before_archive_commit", 1)
        os.waitpid(child, 0)
    with pytest.raises(AssertionError, match="lost"):
        check(home, acknowledged(pipe))


async def _synchronous(url: str) -> int | None:
    database = Database(url)
    async with database.connect() as connection:
        found: int | None = await connection.scalar(text("PRAGMA synchronous"))
    await database.close()
    return found


async def test_sabotage_commit_sync_is_noticed(sqlite_url: str) -> None:
    """SQLite syncs at every commit; what that is for is shown by cutting a disk's power."""
    full = 2
    assert await _synchronous(sqlite_url) == full
    with sabotage("commit_sync"):
        assert await _synchronous(sqlite_url) != full


def test_sabotage_payload_identity_is_noticed(home: Home) -> None:
    with sabotage("payload_identity"):
        child, pipe = deliver_in_child(home, "nowhere", 1)
        os.waitpid(child, 0)
        with pytest.raises(AssertionError, match="doubled"):
            check(home, acknowledged(pipe))


def deliver_in_child(home: Home, point: str, count: int) -> tuple[int, int]:
    """Fork a child that delivers every file and acknowledges each on a pipe. Returns its id and the pipe."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        arm(point, kill_at(count))
        asyncio.run(_deliver(home, writing))
    finally:
        os._exit(0)


async def _deliver(home: Home, pipe: int) -> None:
    store = await home.open()
    site = (await store.sites.default()).id
    for payload in FILES:
        receipt = await store.payloads.deliver(site, payload)
        os.write(pipe, f"{receipt.sha256}\n".encode())
        await asyncio.sleep(0)


def acknowledged(pipe: int) -> list[str]:
    """The files whose receipt the child was given."""
    with os.fdopen(pipe, "rb") as reading:
        return reading.read().decode().split()


def check(home: Home, acked: list[str]) -> None:
    """What the sender was told is there; delivering all again leads to exactly one ledger."""
    check_files(home, FILES, acked)


def check_files(home: Home, files: list[Payload], acked: list[str]) -> None:
    """The same of other files."""
    asyncio.run(_check(home, files, acked))


async def _check(home: Home, files: list[Payload], acked: list[str]) -> None:
    store = await home.open()
    try:
        site = (await store.sites.default()).id
        kept = {row.sha256 for row in await store.payloads.list(site, limit=1000) if row.state == "read"}
        assert set(acked) <= kept, "lost: a file was acknowledged and is not read"
        clock = store.database.clock
        assert isinstance(clock, StillClock)
        clock.pass_by(seconds=121)
        await store.payloads.read_orphans()
        for payload in files:
            assert (await store.payloads.deliver(site, payload)).state == "read"
        rows = await store.payloads.list(site, limit=len(files) + 1)
        assert len(rows) == len(files), "doubled: a file is there twice"
        for row in rows:
            assert await store.payloads.body(row.id, site)
        assert await store.digest() == await _sound(home.data, files), "a Wh changed"
    finally:
        await store.close()


async def _sound(data: Path, files: list[Payload]) -> str:
    """The digest that an undisturbed home of the same files has."""
    names = tuple(payload.sha256 for payload in files)
    if names not in _known:
        _known[names] = await _undisturbed(data, files)
    return _known[names]


async def _undisturbed(data: Path, files: list[Payload]) -> str:
    folder = data / "sound"
    store = await open_store(f"sqlite:///{folder / 'x.db'}", data=folder, parse=parse, vault=Vault({}))
    site = (await store.sites.default()).id
    for payload in reversed(files):
        await store.payloads.deliver(site, payload)
    word = await store.digest()
    await store.close()
    return word
