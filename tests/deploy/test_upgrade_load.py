"""From the version before to this one, and from this one to itself, while senders go on."""

from __future__ import annotations

import asyncio
import base64
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.cli.test_serve import Running
from tests.deploy.hosts import RoundRobin
from tests.deploy.older import environment, older_code, run
from tests.deploy.senders import Senders, file_of
from tests.deploy.test_hosts import undisturbed
from tests.load.processes import free_port
from tests.store.test_migration_locks import long_select
from tests.store.test_upgrade import bring_back

Record = Callable[[str, object], None]
Env = dict[str, str]
SEED = 17
KILLED = {"WATTLEDGER_FAULTS": "kill:hub.before_migration_commit"}
"""in the middle: everything is changed, nothing committed"""
REPORT = 10.0
"""seconds for which another session reads"""
SLOWEST = 5.0
"""of any call that is answered: two seconds, and what a busy machine adds"""
ALONE = 16.0
"""where the one hub was killed: what it was reading is another's after fifteen seconds"""


class Hubs:
    """Hubs on ports of their own."""

    def __init__(self, stack: ExitStack, count: int) -> None:
        self._stack, self._running = stack, dict[int, Running]()
        self._ports = [free_port() for _ in range(count)]
        self.addresses = [f"http://127.0.0.1:{port}" for port in self._ports]

    def launch(self, n: int, env: Env) -> Running:
        """Start one; it is killed at the end."""
        hub = self._running[n] = Running("serve", "--port", self._ports[n], env=env)
        self._stack.callback(hub.process.wait)
        self._stack.callback(hub.process.kill)
        return hub

    def start(self, env: Env, *numbers: int) -> None:
        """Start some at once, and wait until all of them serve."""
        for hub in [self.launch(n, env) for n in numbers]:
            hub.line("Wattledger is at", 60)

    def stop(self, n: int) -> None:
        assert self._running[n].stop() == 0

    def killed_in_the_middle(self, n: int, env: Env) -> None:
        """Start one that dies while it changes the schema."""
        assert self.launch(n, {**env, **KILLED}).process.wait(60) == -signal.SIGKILL

    def killed_at_random(self, n: int, env: Env, chance: random.Random) -> None:
        """Start one, and kill it before it serves."""
        hub = self.launch(n, env)
        time.sleep(chance.uniform(0.5, 3))
        assert hub.stop(signal.SIGKILL) == -signal.SIGKILL


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def judge(senders: Senders, env: Env, folder: Path, record: Record, slowest: float = SLOWEST) -> None:
    """Every acknowledged file is there once, and the ledger is that of a calm installation."""
    record("seed", SEED)
    _served(senders, record, slowest)
    bodies = [base64.b64decode(str(file_of(n)["content_b64"])) for n in sorted(senders.taken)]
    assert run("db", "digest", env=env).strip() == asyncio.run(undisturbed(bodies, folder / "calm"))
    days = 3 * len(bodies)
    assert run("db", "scrub", env=env) == f"{len(bodies)} bodies and {days} days were checked.\n"


def _served(senders: Senders, record: Record, slowest: float = SLOWEST) -> None:
    senders.tell(record)
    assert set(senders.answers) <= {200, 503}
    assert max(senders.waits) < slowest


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.parametrize("version", ["0001", "0002"])
def test_hubs_are_replaced_in_turn(
    version: str, empty_postgres_url: str, stack: ExitStack, tmp_path: Path, record_property: Record
) -> None:
    """N-1 to N to N: new ones die, a report is in the way, two start at once; meanwhile older ones serve."""
    env, chance = environment(tmp_path, empty_postgres_url), random.Random(SEED)
    before = {**env, "PYTHONPATH": str(stack.enter_context(older_code(version, tmp_path)) / "src")}
    hubs = Hubs(stack, 4)
    hubs.start(before, 0)
    hubs.start(before, 1)
    with Senders(hubs.addresses) as senders:
        time.sleep(2)
        hubs.killed_in_the_middle(2, env)
        with long_select(empty_postgres_url, REPORT):
            for _ in range(3):
                hubs.killed_at_random(2, env, chance)
            hubs.start(env, 2, 3)
        time.sleep(2)
        for n in (0, 1, 2, 3):
            hubs.stop(n)
            hubs.start(env, n)
        time.sleep(2)
    judge(senders, env, tmp_path, record_property)


@pytest.mark.soak
@pytest.mark.parametrize("version", ["0001", "0002"])
def test_the_one_hub_is_replaced(
    version: str, stack: ExitStack, tmp_path: Path, record_property: Record
) -> None:
    """The same on SQLite, with one hub: senders wait while there is none."""
    env = environment(tmp_path, f"sqlite:///{tmp_path / 'data/wattledger.db'}")
    before = {**env, "PYTHONPATH": str(stack.enter_context(older_code(version, tmp_path)) / "src")}
    hubs, chance = Hubs(stack, 1), random.Random(SEED)
    hubs.start(before, 0)
    with Senders(hubs.addresses) as senders:
        time.sleep(2)
        hubs.stop(0)
        hubs.killed_in_the_middle(0, env)
        hubs.killed_at_random(0, env, chance)
        for _ in range(2):
            begun = time.monotonic()
            hubs.start(env, 0)
            record_property("start_s", round(time.monotonic() - begun, 1))
            time.sleep(2)
            hubs.stop(0)
        hubs.start(env, 0)
    judge(senders, env, tmp_path, record_property, ALONE)


@pytest.mark.postgres
def test_two_start_at_once_after_one_died(
    empty_postgres_url: str, stack: ExitStack, tmp_path: Path, record_property: Record
) -> None:
    """A database of the schema before; senders are there already."""
    asyncio.run(bring_back(empty_postgres_url, "0002", rows=False))
    env, hubs = environment(tmp_path, empty_postgres_url), Hubs(stack, 2)
    with Senders(hubs.addresses) as senders:
        hubs.killed_in_the_middle(0, env)
        hubs.start(env, 0, 1)
        hubs.stop(0)
    _served(senders, record_property)
    with psycopg.connect(empty_postgres_url) as rows:
        stored = rows.execute("SELECT sha256 FROM payload WHERE state = 'read'").fetchall()
    assert sorted(sha for (sha,) in stored) == sorted(senders.taken.values())


def test_a_resend_is_what_cures(tmp_path: Path) -> None:
    """The senders' client goes on to the next address where one does not answer."""
    client = RoundRobin([f"http://127.0.0.1:{free_port()}"], {})
    client.patience = 3
    with pytest.raises(AssertionError, match="no hub"):
        client.post("/", {})
    assert client.again == 3
