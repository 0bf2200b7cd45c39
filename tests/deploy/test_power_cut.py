"""The power of the hub's disk is cut: what was acknowledged is there and whole, the rest is sent again.

SQLite and the folder of large bodies, and PostgreSQL with the settings it comes with. Each sync that is
switched off must lose something, else the cut is none.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import postgres_server
from tests.deploy.disk import Disk, disk, missing, stopped
from tests.postgres_server import Server
from tests.store.living import Living, work
from tests.turns import minutes
from wattledger.errors import WattledgerError
from wattledger.faults import sabotage

Record = Callable[[str, object], None]
SEED = 20251106
CUTS = 4
"""on one home, before the next one begins"""
ENDLESS = 1_000_000
pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@dataclass
class Hub:
    """A home on a disk, and who writes on it: a hub, a worker and perhaps a database."""

    disk: Disk
    template: Path | None
    seed: int
    settings: tuple[str, ...] = ()
    server: Server | None = None
    children: list[int] = field(default_factory=list)
    pipe: int = -1

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Writers at work for the length of a `with` block."""
        data = self.disk.place / "hub"
        data.mkdir()
        with ExitStack() as stack:
            if self.template is None:
                self.server = served(self.disk.place, *self.settings)
                stack.callback(self.server.crash)
            else:
                shutil.copy(self.template, data / "hub.db")
            self.home = Living(self._url(self.disk.place, self.server), data, self.seed)
            sender, worker = self.home.sender(ENDLESS), work
            os.sync()
            for life in (sender, worker):
                pid, pipe = self.home.child(life)
                stack.callback(os.close, pipe)
                stack.callback(ended, pid)
                self.children.append(pid)
                self.pipe = pipe if life is sender else self.pipe
            yield

    def _url(self, place: Path, server: Server | None) -> str:
        return server.url if server else f"sqlite:///{place / 'hub' / 'hub.db'}"

    def cut(self, after: float) -> int:
        """Cut the power some seconds after the next acknowledgement, and judge. How many were given."""
        before = self.home.heard(self.pipe)
        deadline = time.monotonic() + 60
        while self.home.heard(self.pipe) == before:
            assert time.monotonic() < deadline, "nothing is acknowledged"
            time.sleep(0.01)
        time.sleep(after)
        first = [self.server.process.pid] if self.server and self.server.process else []
        with stopped([*first, *self.children]):  # who could start another goes first
            others = self.server.pids()[1:] if self.server else []
            acked = self.home.heard(self.pipe)
            with self.disk.cut([*others, *first, *self.children]) as place:
                self._judge(place, acked)
        return acked

    def _judge(self, place: Path, acked: int) -> None:
        server = None
        if self.server is not None:
            for left in (place / "data/postmaster.pid", *place.glob(".s.PGSQL*")):
                left.unlink(missing_ok=True)  # its process is gone with the power
            server = served(place)
        try:
            found = Living(self._url(place, server), place / "hub", self.seed)
            found.sent, found.acked = acked + 1, set(self.home.acked)  # one may be under way
            found.judge()
        finally:
            if server:
                server.crash()


def served(place: Path, *settings: str) -> Server:
    binaries = next(postgres_server.binaries(), None)
    if binaries is None:
        pytest.skip("no PostgreSQL binaries")
    postgres_server.own(place)
    small = ("min_wal_size=32MB", "max_wal_size=64MB", "shared_buffers=16MB")
    return postgres_server.start_in(place, binaries, *small, *settings)


def ended(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def cuts(template: Path | None, count: int, seed: int, settings: tuple[str, ...] = ()) -> int:
    """So many cuts on one home; how many acknowledgements. `settings` are PostgreSQL's."""
    chance, acked = random.Random(seed), 0
    with disk(48 if template else 400) as made:
        hub = Hub(made, template, seed, settings)
        with hub.writing():
            for _ in range(count):
                acked = hub.cut(chance.uniform(0.0, 0.6))
    return acked


def notices(template: Path | None, *settings: str) -> str:
    """What is found wrong after a cut."""
    try:
        cuts(template, 2, SEED, settings)
    except (AssertionError, WattledgerError, sqlite3.DatabaseError, postgres_server.Unavailable) as error:
        return str(error)
    return ""


def by_time(template: Path | None, record: Record) -> None:
    until = time.monotonic() + 60 * minutes()
    homes = acked = 0
    while time.monotonic() < until:
        acked += cuts(template, CUTS, SEED + homes)
        homes += 1
    figures = {"seed": SEED, "cuts": CUTS * homes, "acknowledged": acked, "lost": 0, "unreadable": 0}
    for name, figure in figures.items():
        record(name, figure)


def test_cuts_lose_nothing_acknowledged_on_sqlite(sqlite_template: Path) -> None:
    assert cuts(sqlite_template, 2, SEED) > 0


@pytest.mark.parametrize("off", ["commit_sync", "object_sync"])
def test_sabotage_of_syncs_is_noticed_by_a_cut(sqlite_template: Path, off: str) -> None:
    with sabotage(off):
        assert notices(sqlite_template)


@pytest.mark.soak
def test_many_cuts_on_sqlite(sqlite_template: Path, record_property: Record) -> None:
    by_time(sqlite_template, record_property)


@pytest.mark.soak
@pytest.mark.postgres
def test_many_cuts_on_postgresql(record_property: Record) -> None:
    by_time(None, record_property)


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.parametrize("off", ["synchronous_commit=off", "fsync=off"])
def test_a_database_that_does_not_sync_loses_what_was_acknowledged(off: str) -> None:
    assert notices(None, off)
