"""A delivery to the hub, killed or told an error at any single call on its files or its database's socket."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests import strace
from tests.conftest import ENGINES
from tests.postgres_server import Server
from tests.store.fake import block, file
from tests.store.test_crash import Home, acknowledged, check_files
from tests.strace import Step

from wattledger.errors import WattledgerError
from wattledger.faults import sabotage
from wattledger.store.archive import objects

Record = Callable[[str, object], None]
SEED = 20251106
NOISE = random.Random(SEED).randbytes(400_000).hex()
"""more than is kept in the database"""
FILES = [
    file(block(20000, [1] * 96), name="a"),
    file(block(20000, [2] * 96, rev=1), block(20001, [2] * 96), noise=NOISE, name="b"),
]
pytestmark = pytest.mark.skipif(strace.missing() is not None, reason=str(strace.missing()))


class Bench:
    """The same deliveries over and over, into an empty home."""

    def __init__(self, fresh: Callable[[], Home], folder: Path) -> None:
        self._fresh = fresh
        self.home = fresh()
        self.log = folder / "strace.log"
        postgres = self.home.url.startswith("postgresql")
        self.calls = strace.SOCKETS if postgres else strace.FILES
        self.paths: list[str] = []
        self.run()
        if not postgres:
            self.paths = strace.touched(self.log, [self.home.data])
        self.run()
        self.steps = strace.steps(self.log)

    def run(self, inject: str = "", off: tuple[str, ...] = ()) -> tuple[int, list[str]]:
        """A fresh home, and a child that delivers into it. Its wait status, and the receipts it got."""
        self.home = self._fresh()
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                with sabotage(*off):
                    asyncio.run(_deliver(self.home, writing))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writing)
        with strace.beside(child, self.calls, self.log, self.paths, inject):
            status = os.waitpid(child, 0)[1]
        return status, acknowledged(reading)

    def killed(self, step: Step) -> bool:
        """Kill it there, start again, and judge. False where it ended before it got there."""
        status, acked = self.run(strace.kill(step))
        assert status in (0, signal.SIGKILL), f"{step}: status {status}"
        check_files(self.home, FILES, acked)
        return status == signal.SIGKILL

    def refused(self, step: Step, error: str) -> bool:
        """One call says an error; the sender tries again, and everything is there once."""
        status, acked = self.run(strace.fail(step, error))
        assert (status, set(acked)) == (0, {f.sha256 for f in FILES}), f"{step} {error}: {status}, {acked}"
        assert list(self.home.data.rglob(".*")) == [], f"{step} {error} left a draft"
        check_files(self.home, FILES, acked)
        return "INJECTED" in self.log.read_text(errors="replace")


async def _deliver(home: Home, pipe: int) -> None:
    drawn = itertools.count()
    objects.__dict__["token"] = lambda size: str(next(drawn))  # the same names in each run
    strace.at_once()
    store = await home.open()
    site = (await store.sites.default()).id
    strace.wait_for_strace()
    for payload in FILES:
        for _ in range(3):
            with suppress(WattledgerError):
                receipt = await store.payloads.deliver(site, payload)
                os.write(pipe, f"{receipt.sha256}\n".encode())
                break


@pytest.fixture(params=ENGINES)
def fresh_home(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Home]:
    """Makes an empty home under the same names each time, on each engine."""
    data = tmp_path / "home"
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")

        def fresh() -> Home:
            shutil.rmtree(data, ignore_errors=True)
            data.mkdir()
            shutil.copy(template, data / "hub.db")
            return Home(f"sqlite:///{data / 'hub.db'}", data)

        return fresh
    server: Server = request.getfixturevalue("postgres")
    template_name: str = request.getfixturevalue("postgres_template")

    def fresh_database() -> Home:
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        name = f"wl_sys_{os.getpid()}"
        server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.run(f"CREATE DATABASE {name} TEMPLATE {template_name}")
        return Home(server.database(name), data)

    return fresh_database


@pytest.fixture
def bench(fresh_home: Callable[[], Home], tmp_path: Path) -> Bench:
    return Bench(fresh_home, tmp_path)


def refusable(bench: Bench) -> list[Step]:
    """Calls that may say an error. Not those that send: libpq then reads on, for the server's last words,

    which on a socket that is not really cut never come (a cut one is closed: tests/wire.py does that).
    """
    return [step for step in bench.steps if step.call not in ("sendto", "sendmsg")]


def some(steps: list[Step], count: int) -> list[Step]:
    return random.Random(SEED).sample(steps, count)


def test_a_kill_at_some_calls_loses_nothing(bench: Bench) -> None:
    assert {"fsync", "rename"} <= {step.call for step in bench.steps}
    assert sum(bench.killed(step) for step in some(bench.steps, 8)) >= 7


def test_an_error_of_some_calls_loses_nothing(bench: Bench) -> None:
    calls = ("fsync", "fdatasync", "pwrite64", "write", "rename", "recvfrom")
    steps = [step for step in refusable(bench) if step.call in calls]
    for number in range(2):
        assert all(bench.refused(step, step.errors[number]) for step in some(steps, 3))


@pytest.mark.soak
def test_a_kill_at_every_call_loses_nothing(bench: Bench, record_property: Record) -> None:
    kills = strace.swept({step.call for step in bench.steps}, bench.killed)
    record_property("calls_in_two_deliveries", len(bench.steps))
    record_property("kills", kills)
    record_property("lost", 0)


@pytest.mark.soak
def test_an_error_of_every_call_loses_nothing(bench: Bench, record_property: Record) -> None:
    record_property("errors_said", sum(bench.refused(s, e) for s in refusable(bench) for e in s.errors))
    record_property("lost", 0)
