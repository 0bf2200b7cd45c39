"""PostgreSQL's disk fills up and is freed, over and over: nothing acknowledged is lost, and work goes on.

The disk is a small ext4 of its own, which only root may mount. One hub has its data folder there too: its
disk guard takes nothing in (507) while PostgreSQL still has some room. The other's lies elsewhere, and only
PostgreSQL can tell it (503). Every second time PostgreSQL's log is what finds no room: it breaks down then,
and where it gives up it is started again once there is some, as its service manager does.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import psycopg
import pytest
from tests.deploy.disk import disk, missing
from tests.deploy.test_power_cut import served
from tests.disks import filled
from tests.load.files import Files
from tests.load.judging import judge, opened, settled
from tests.load.processes import HEADERS, Process, environment
from tests.load.senders import post
from tests.postgres_server import Server, Unavailable
from tests.turns import turns

Record = Callable[[str, object], None]
ENDLESS = 1_000_000
MEBIBYTES = 300
SEED = 38
MOST = 100
"""files that a hub is sent while the disk is full: some may find room, in pages that were begun"""
BACK = 60.0
"""seconds until a file is taken in again, from when there is room"""
pytestmark = [
    pytest.mark.soak,
    pytest.mark.postgres,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]


@dataclass
class Filling:
    """A database on a small disk, two hubs, and what came of the files that were sent to them."""

    place: Path
    server: Server
    hubs: list[Process]
    files: Files = field(default_factory=lambda: Files(meters=5, seed=SEED))
    acked: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    sent: int = 0
    broke_down: int = 0
    """times that PostgreSQL found no room for its log"""
    gave_up: int = 0
    """times that it did not come back by itself"""
    slowest: float = 0.0

    async def cycle(self, number: int) -> None:
        """Fill the disk, deliver until every hub refuses, free it, deliver again what was refused."""
        ballast = await asyncio.to_thread(filled, self.place)
        begun = self.sent
        for hub in self.hubs:
            await self._until_refused(hub)
        if number % 2 == 0:
            await asyncio.to_thread(self._exhaust_log)
        ballast.unlink()
        freed = monotonic()
        await asyncio.to_thread(self._come_back)
        for n in [n for n in range(begun, self.sent) if self.files.message(n)[0] not in self.acked]:
            while await self.deliver(self.hubs[n % 2], n) != 200:
                assert monotonic() - freed < BACK, f"not taken in again: {self.answers}"
                await asyncio.sleep(0.1)
        self.slowest = max(self.slowest, monotonic() - freed)

    async def _until_refused(self, hub: Process) -> None:
        for _ in range(MOST):
            self.sent += 1
            if await self.deliver(hub, self.sent - 1) != 200:
                return

    async def deliver(self, hub: Process, n: int) -> int:
        """Send a file; the status."""
        digest, body = self.files.message(n)
        assert hub.port
        status, answer = await post(hub.port, HEADERS, body)
        self.answers[status] += 1
        if status == 200:
            said = json.loads(answer)
            assert said["sha256"] == digest
            assert said["persisted"] or said["duplicate"]
            self.acked.add(digest)
        return status

    def _exhaust_log(self) -> None:
        """Begin files of the log until there is no room for one; PostgreSQL stops itself."""
        try:
            for _ in range(50):
                with psycopg.connect(self.server.url, autocommit=True) as connection:
                    connection.execute("SELECT pg_logical_emit_message(false, 'full', 'x'), pg_switch_wal()")
        except psycopg.Error:
            self.broke_down += 1

    def _come_back(self) -> None:
        """Start it again where it gave up, which may take a moment."""
        until = monotonic() + BACK
        while monotonic() < until:
            with suppress(psycopg.Error), psycopg.connect(self.server.url):
                return
            if self.server.process and self.server.process.poll() is not None:
                self.gave_up += 1
                self.server.launch()
            sleep(0.05)


@contextmanager
def filling(folder: Path, faults: str = "") -> Iterator[tuple[Filling, str]]:
    """A database on a small disk and its two hubs, not yet started; and the database's address."""
    with disk(MEBIBYTES) as made:
        try:
            server = served(made.place)
        except Unavailable as reason:
            pytest.skip(f"no PostgreSQL server: {reason}")
        hubs = []
        for place in (made.place / "hub", folder / "hub"):
            place.mkdir()
            hubs.append(Process.hub(environment(place, server.url, WATTLEDGER_FAULTS=faults)))
        try:
            yield Filling(made.place, server, hubs), server.url
        finally:
            for hub in hubs:
                hub.kill()
            server.crash()


async def fill(folder: Path, most: int, faults: str = "") -> tuple[Filling, int]:
    """So many times, while the minutes last; judged at the end."""
    done = 0
    with filling(folder, faults) as (found, url):
        for hub in found.hubs:
            await hub.start()
        first = [hub.running for hub in found.hubs]
        for done in turns(most):
            await found.cycle(done)
        assert all(running and running.process.poll() is None for running in first), "a hub died"
        store = await opened(url, folder / "judge")
        await settled(store, 60)
        await judge(store, found.files, found.sent, found.acked, folder / "sound")
        await store.close()
    return found, done


async def test_many_times_full(tmp_path: Path, record_property: Record) -> None:
    found, done = await fill(tmp_path, ENDLESS)
    figures = {
        "seed": SEED,
        "times_full": done,
        "files": found.sent,
        "answers_503": found.answers[503],
        "answers_507": found.answers[507],
        "broke_down": found.broke_down,
        "gave_up": found.gave_up,
        "lost": 0,
        "all_taken_in_s": round(found.slowest, 1),
    }
    for name, figure in figures.items():
        record_property(name, figure)
    assert set(found.answers) == {200, 503, 507}


async def test_sabotage_ack_after_commit_is_noticed_on_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="lost"):
        await fill(tmp_path, 1, "off:ack_after_commit")
