"""Files at a steady rate while processes are killed and connections cut: no loss, nothing doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests import postgres_server
from tests.load.files import Files
from tests.load.judging import judge, opened, settled
from tests.load.processes import HEADERS, Process, Processes, environment
from tests.load.senders import Senders, spoiling
from tests.turns import minutes
from tests.wire import Wire

Record = Callable[[str, object], None]
SEED = 20
RATE = 50
SHORT_LEASE = 2.0
"""seconds, so that a short run need not wait for the product's"""
ENGINES = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]


@dataclass(frozen=True)
class Load:
    """How much, and how much goes wrong meanwhile."""

    seconds: float
    rate: float
    kill_every: float
    meters: int = 200
    lease: float | None = None
    share: float = 0.01
    seed: int = SEED


@dataclass
class Ran:
    """What came of it."""

    senders: Senders
    processes: Processes
    wires: list[Wire]
    rows: int
    settling: float

    def told(self, record: Record, load: Load) -> None:
        """The figures of a run, into its row."""
        sent, calm = self.senders, self.milliseconds()
        spoiled = sum(sum(n for kind, n in wire.kinds.items() if kind != "whole") for wire in self.wires)
        record("seed", load.seed)
        record("files", sent.sent)
        record("files_a_second", round(sent.sent / sent.took, 1))
        record("rows", self.rows)
        record("kills", self.processes.kills)
        record("connections_spoiled", spoiled)
        record("p50_ms", round(float(np.percentile(calm, 50))))
        record("p99_ms", round(float(np.percentile(calm, 99))))
        record("slowest_file_s", round(sent.slowest, 1))
        record("last_read_after_s", round(self.settling, 1))

    def milliseconds(self) -> list[float]:
        """How long each acknowledged request took that no killed hub fell into."""
        return [
            1000 * sample.took
            for sample in self.senders.samples
            if not self.processes.disturbed(sample.at, sample.at + sample.took)
        ]


async def run(load: Load, processes: Processes, url: str, folder: Path) -> Ran:
    """Send and kill; then the verdict of the three invariants."""
    files = Files(load.meters, load.seed)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(processes)
        ports = [process.port for process in processes.all if process.port is not None]
        wires = [
            await stack.enter_async_context(Wire(port, spoiling(load.seed + n, load.share)))
            for n, port in enumerate(ports)
        ]
        senders = Senders(wires, files, HEADERS, load.rate)
        killing = asyncio.create_task(processes.killing(load.kill_every, load.seed))
        try:
            await senders.run(load.seconds)
        finally:
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
        store = await opened(url, folder / "judge")
        stack.push_async_callback(store.close)
        settling = await settled(store, 180)
        rows = await judge(store, files, senders.sent, senders.acked, folder / "sound")
        assert not senders.refused, senders.refused[:3]
        return Ran(senders, processes, wires, rows, settling)


def one_hub(folder: Path, lease: float | None, **more: str) -> tuple[Processes, str]:
    """A hub on SQLite."""
    url = f"sqlite:///{folder / 'hub.db'}"
    return Processes([Process.hub(environment(folder, url, **more), lease)]), url


def two_hubs(folder: Path, url: str) -> Processes:
    """Two hubs and a worker on PostgreSQL."""
    env = environment(folder, url)
    return Processes([Process.hub(env), Process.hub(env), Process(env, ("work",))])


async def test_kills_and_cuts(tmp_path: Path, record_property: Record) -> None:
    load = Load(seconds=3, rate=30, kill_every=1.2, meters=10, lease=SHORT_LEASE, share=0.05)
    processes, url = one_hub(tmp_path, load.lease)
    ran = await run(load, processes, url, tmp_path)
    assert processes.kills and sum(ran.wires[0].kinds.values()) > ran.senders.sent
    ran.told(record_property, load)


@pytest.fixture
def lasting_url() -> Iterator[str]:
    """The database of a PostgreSQL server that syncs its disk, as a real one does."""
    try:
        server = postgres_server.start("max_connections=200")
    except postgres_server.Unavailable as reason:
        pytest.skip(f"no PostgreSQL server: {reason}")
    yield server.url
    server.stop()


@pytest.mark.soak
@pytest.mark.parametrize("engine", ENGINES)
async def test_kills_and_cuts_for_long(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, record_property: Record
) -> None:
    length = minutes()
    load = Load(seconds=60 * length, rate=RATE, kill_every=min(30, 10 * length))
    if engine == "sqlite":
        processes, url = one_hub(tmp_path, None)
    else:
        url = request.getfixturevalue("lasting_url")
        processes = two_hubs(tmp_path, url)
    ran = await run(load, processes, url, tmp_path)
    ran.told(record_property, load)
    assert np.percentile(ran.milliseconds(), 99) <= 500
    assert ran.senders.sent / ran.senders.took >= 0.95 * RATE


@pytest.mark.parametrize("faults", ["off:ack_after_commit", "off:archive_first"])
async def test_sabotage_ack_after_commit_is_noticed(faults: str, tmp_path: Path) -> None:
    """What was acknowledged is in the archive, though the hub is killed under load."""
    load = Load(seconds=1, rate=400, kill_every=0.7, meters=10, lease=SHORT_LEASE, share=0)
    processes, url = one_hub(tmp_path, load.lease, WATTLEDGER_FAULTS=faults)
    with pytest.raises(AssertionError, match="lost"):
        await run(load, processes, url, tmp_path)
