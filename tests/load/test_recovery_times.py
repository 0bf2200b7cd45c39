"""How soon it works again: hub or PostgreSQL killed, a disk with room, a backlog, a new version."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from pathlib import Path
from time import monotonic

import pytest
from benchmarks import callers, road
from benchmarks.road import Hub, relay

from tests import postgres_server
from tests.disks import filled, mounted
from tests.load.files import Files
from tests.load.processes import HEADERS, Process, environment
from tests.load.senders import post
from tests.wire import Wire
from wattledger.simulators.home import Home
from wattledger.simulators.smart_meter_texas import SmtSimulator

Record = Callable[[str, object], None]
ROUNDS = 5
RESTART, POSTGRES, DISK, BACKLOG, DARK = 5.0, 10.0, 60.0, 120.0, 60.0
"""goals, in seconds"""
KEY = "a-management-token-of-tests"
FILES = Files(meters=50, seed=6)


class Caller:
    """Delivers file after file to a hub."""

    def __init__(self, port: int | None) -> None:
        assert port is not None
        self.port, self._numbers = port, itertools.count()

    async def status(self) -> int:
        """The answer to one more file; 0 where there is none."""
        _, body = FILES.message(next(self._numbers))
        try:
            async with asyncio.timeout(20):
                return (await post(self.port, HEADERS, body))[0]
        except (OSError, TimeoutError, ValueError):
            return 0

    async def until(self, good: Callable[[int], bool]) -> float:
        """Deliver until an answer is like that; the seconds it took."""
        begin = monotonic()
        while not good(await self.status()):
            assert monotonic() < begin + 120, "it never came back"
            await asyncio.sleep(0.02)
        return monotonic() - begin

    async def taken(self) -> float:
        """Seconds until a file is acknowledged."""
        return await self.until(lambda status: status == 200)


async def rounds(caller: Caller, disturb: Callable[[], Awaitable[object]], count: int = ROUNDS) -> float:
    """Seconds from a disturbance to the first good delivery, at worst."""
    slowest = 0.0
    for _ in range(count):
        for _ in range(5):
            await caller.taken()
        begin = monotonic()
        disturbing = asyncio.create_task(_awaited(disturb))
        await asyncio.sleep(0)
        await caller.taken()
        slowest = max(slowest, monotonic() - begin)
        await disturbing
    return slowest


async def _awaited(work: Callable[[], Awaitable[object]]) -> None:
    await work()


async def killed(folder: Path, count: int) -> float:
    """A hub on SQLite, killed and started again."""
    hub = Process.hub(environment(folder, f"sqlite:///{folder / 'hub.db'}"))
    await hub.start()
    try:

        async def again() -> None:
            hub.kill()
            await hub.start()

        return await rounds(Caller(hub.port), again, count)
    finally:
        hub.kill()


async def test_a_killed_hub(tmp_path: Path, record_property: Record) -> None:
    record_property("restart_s", round(await killed(tmp_path, 1), 1))


@pytest.mark.soak
async def test_a_hub_killed_again_and_again(tmp_path: Path, record_property: Record) -> None:
    slowest = await killed(tmp_path, ROUNDS)
    record_property("restart_to_first_delivery_s", round(slowest, 1))
    assert slowest <= RESTART


@pytest.mark.soak
@pytest.mark.postgres
async def test_a_killed_postgres(tmp_path: Path, record_property: Record) -> None:
    try:
        server = await asyncio.to_thread(postgres_server.start, "max_connections=100")
    except postgres_server.Unavailable as reason:
        pytest.skip(f"no PostgreSQL server: {reason}")
    if server.process is None:
        pytest.skip("the server that TEST_DATABASE_URL names is not ours to kill")
    hub = Process.hub(environment(tmp_path, server.url))

    async def again() -> None:
        server.crash()
        await asyncio.to_thread(server.launch)

    try:
        await hub.start()
        slowest = await rounds(Caller(hub.port), again)
    finally:
        hub.kill()
        server.stop()
    record_property("postgres_killed_to_200_s", round(slowest, 1))
    assert slowest <= POSTGRES


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "64m") as there:
        if not there:
            pytest.skip("only root may mount a disk of its own")
        yield tmp_path / "disk"


@pytest.mark.soak
async def test_a_disk_with_room_again(small_disk: Path, record_property: Record) -> None:
    hub = Process.hub(environment(small_disk, f"sqlite:///{small_disk / 'hub.db'}"))
    slowest = 0.0
    try:
        await hub.start()
        caller = Caller(hub.port)
        for _ in range(ROUNDS):
            await caller.taken()
            ballast = await asyncio.to_thread(filled, small_disk)
            await caller.until(lambda status: status == 507)
            ballast.unlink()
            slowest = max(slowest, await caller.taken())
    finally:
        hub.kill()
    record_property("room_to_ingest_s", round(slowest, 1))
    assert slowest <= DISK


@pytest.mark.soak
async def test_a_backlog_of_a_thousand_files(
    tmp_path: Path, record_property: Record, count: int = 1000
) -> None:
    """All of it waits in the relay's spool, for a hub that cannot be reached; then it can."""
    homes, count = [Home(f"1044372777{n:07d}", seed=n) for n in range(20)], 1000
    hub = Process.hub(environment(tmp_path, f"sqlite:///{tmp_path / 'hub.db'}"))
    try:
        await hub.start()
        assert hub.port is not None and hub.running
        async with (
            Wire(hub.port) as wire,
            SmtSimulator(tmp_path / "utility", homes) as vendor,
            relay(tmp_path, vendor, _as_seen(hub, wire)) as runs,
        ):
            for home in homes:
                for day in home.days(date(2025, 1, 1), count // len(homes)):
                    vendor.drop_file(home, [day])
            wire.plugged = False
            while (await runs.run_once())["waiting"] < count:
                pass
            wire.plugged, begin, sent = True, monotonic(), 0
            while not (line := await runs.run_once()).get("idle"):
                sent += int(line["sent"])
            took = monotonic() - begin
    finally:
        hub.kill()
    assert sent == count
    record_property("thousand_files_drained_s", round(took, 1))
    assert took <= BACKLOG


def _as_seen(hub: Process, wire: Wire) -> Hub:
    assert hub.running
    return road.Hub(f"http://127.0.0.1:{wire.port}", hub.env, hub.running.process.pid)


@pytest.mark.soak
async def test_webhooks_while_a_new_version_is_put_in_place(tmp_path: Path, record_property: Record) -> None:
    """The hub is asked to stop and started again; vendors drop what they cannot deliver for some minutes."""
    env = environment(tmp_path, f"sqlite:///{tmp_path / 'hub.db'}", SMARTCAR_MANAGEMENT_TOKEN=KEY)
    hub = Process.hub(env)
    await hub.start()
    heard: list[float] = []
    calling = asyncio.create_task(_calling(hub, heard))
    try:
        for _ in range(ROUNDS):
            await asyncio.sleep(1)
            assert hub.running
            assert await asyncio.to_thread(hub.running.stop, signal.SIGTERM) == 0
            await hub.start()
            await asyncio.sleep(1)
    finally:
        calling.cancel()
        hub.kill()
    dark = max(later - before for before, later in itertools.pairwise(heard))
    record_property("webhooks_dark_s", round(dark, 1))
    record_property("webhooks_taken", len(heard))
    assert dark <= DARK


async def _calling(hub: Process, heard: list[float]) -> None:
    """Signed events, one after the other; when each was acknowledged."""
    assert hub.port is not None
    for number in itertools.count():
        call = callers.request(callers.event(number, 10), KEY)
        try:
            async with asyncio.timeout(5):
                await callers.send([hub.port], [call], 1)
        except (OSError, TimeoutError, EOFError, RuntimeError):
            await asyncio.sleep(0.02)
        else:
            heard.append(monotonic())
