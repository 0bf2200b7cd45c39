"""Hub and worker killed at random, over and over on one home, and PostgreSQL killed beneath them."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import postgres_server
from tests.postgres_server import Server
from tests.store.living import Living, work
from tests.turns import minutes

from wattledger.faults import sabotage

Record = Callable[[str, object], None]
SEED = 20251106
FILES, ROUNDS = 8, 20
"""sent between two kills, and kills of hub and worker before a home is judged"""


def killed(home: Living, chance: random.Random) -> int:
    """A hub and a worker on the home, each killed at some moment. How many were."""
    hub, pipe = home.child(home.sender(FILES))
    worker, silent = home.child(work)
    os.close(silent)
    kills = 0
    for pid in chance.sample([hub, worker], 2):
        time.sleep(chance.uniform(0.0, 0.25))
        kills += ended(pid)
    home.hear(pipe)
    home.minutes += 3
    return kills


def ended(pid: int) -> bool:
    """Kill a child. Whether it still lived."""
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    assert status in (0, signal.SIGKILL), f"a child failed: {status}"
    return status == signal.SIGKILL


def test_hub_and_worker_killed_at_random(database_url: str, tmp_path: Path) -> None:
    home = Living(database_url, tmp_path / "home", SEED)
    assert sum(killed(home, random.Random(SEED)) for _ in range(3))
    home.judge()


@pytest.mark.soak
def test_hub_and_worker_killed_by_the_thousand(
    empty_url: str, request: pytest.FixtureRequest, tmp_path: Path, record_property: Record
) -> None:
    until = time.monotonic() + 60 * minutes()
    kills = homes = files = acknowledged = 0
    while time.monotonic() < until:
        home = Living(another(empty_url, homes, request), tmp_path / f"home{homes}", SEED + homes)
        chance = random.Random(home.seed)
        kills += sum(killed(home, chance) for _ in range(ROUNDS))
        home.judge()
        homes, files, acknowledged = homes + 1, files + home.sent, acknowledged + len(home.acked)
    tell(record_property, SEED, kills=kills, homes=homes, files=files, acknowledged=acknowledged)


def tell(record: Record, seed: int, **figures: int) -> None:
    """The figures of a run that was judged without a complaint."""
    for name, figure in {"seed": seed, **figures, "lost": 0, "doubled": 0, "changed": 0}.items():
        record(name, figure)


def another(url: str, number: int, request: pytest.FixtureRequest) -> str:
    """An empty database beside that one."""
    if url.startswith("sqlite"):
        return f"{url}.{number}"
    server: Server = request.getfixturevalue("postgres")
    name = f"wl_kills_{os.getpid()}"
    server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    server.run(f"CREATE DATABASE {name}")
    return server.database(name)


@pytest.fixture
def durable() -> Iterator[Server]:
    """A PostgreSQL of our own with the settings it comes with."""
    binaries = next(postgres_server.binaries(), None)
    if binaries is None:
        pytest.skip("no PostgreSQL binaries")
    folder = Path(tempfile.mkdtemp(prefix="wl-pg-", dir="/tmp"))
    try:
        server = postgres_server.start_in(folder, binaries)
    except postgres_server.Unavailable as reason:
        pytest.skip(f"no PostgreSQL server: {reason}")
    yield server
    server.stop()


def crashed(server: Server, home: Living, chance: random.Random, times: int) -> None:
    """A hub and a worker go on while their database is killed and started again."""
    for _ in range(times):
        hub, pipe = home.child(home.sender(3 * FILES))
        worker, silent = home.child(work)
        os.close(silent)
        time.sleep(chance.uniform(0.1, 0.5))
        server.crash()
        server.launch()
        assert os.waitpid(hub, 0)[1] == 0
        ended(worker)
        home.hear(pipe)
        home.minutes += 3


@pytest.mark.postgres
def test_a_database_that_is_killed(durable: Server, tmp_path: Path) -> None:
    home = Living(durable.url, tmp_path / "home", SEED)
    crashed(durable, home, random.Random(SEED), 1)
    assert len(home.acked) == home.sent
    home.judge()


@pytest.mark.soak
@pytest.mark.postgres
def test_a_database_that_is_killed_often(durable: Server, tmp_path: Path, record_property: Record) -> None:
    until = time.monotonic() + 60 * minutes()
    kills = homes = files = 0
    while time.monotonic() < until:
        durable.run(f"CREATE DATABASE wl_{homes}")
        home = Living(durable.database(f"wl_{homes}"), tmp_path / f"home{homes}", SEED + homes)
        crashed(durable, home, random.Random(home.seed), 10)
        home.judge()
        kills, homes, files = kills + 10, homes + 1, files + home.sent
    tell(record_property, SEED, kills_of_postgresql=kills, files=files, acknowledged=files)


def test_sabotage_archive_first_is_noticed_at_random(sqlite_url: str, tmp_path: Path) -> None:
    """What was acknowledged before it was committed is lost by a kill, sooner or later."""
    home, chance = Living(sqlite_url, tmp_path / "home", SEED), random.Random(SEED)

    def until_it_is_seen() -> None:
        for _ in range(20):
            with sabotage("archive_first"):
                for _ in range(4):
                    killed(home, chance)
            home.judge()

    with pytest.raises(AssertionError, match="lost"):
        until_it_is_seen()
