"""A hub whose callers hang up, whose process stands still, whose database holds everybody up."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx2
import psycopg
import pytest

from tests.load.files import Files
from tests.load.judging import judge, opened, settled
from tests.load.processes import HEADERS, Process, environment
from tests.load.senders import Senders, post
from tests.wire import Line, Wire

Record = Callable[[str, object], None]
STILL = 35.0
"""seconds: longer than a transaction may be idle, and than anybody waits for a lock"""
ANSWERED = 3.5
"""seconds: the two within which a request is answered, and what a busy machine takes besides"""
FILES = Files(meters=10, seed=27)


@asynccontextmanager
async def hubs(folder: Path, url: str, count: int = 1) -> AsyncIterator[list[Process]]:
    """Hubs on one database."""
    env = environment(folder, url)
    found = [Process.hub(env) for _ in range(count)]
    try:
        for hub in found:
            await hub.start()
        yield found
    finally:
        for hub in found:
            hub.kill()


def handles(hub: Process) -> int:
    """Files and sockets that the process has open."""
    return len(list(Path(f"/proc/{pid(hub)}/fd").iterdir()))


def pid(hub: Process) -> int:
    assert hub.running
    return hub.running.process.pid


def port(hub: Process) -> int:
    assert hub.port
    return hub.port


async def test_callers_that_hang_up_leave_nothing(database_url: str, tmp_path: Path) -> None:
    async with hubs(tmp_path, database_url) as (hub,):
        assert (await post(port(hub), HEADERS, FILES.message(0)[1]))[0] == 200
        before = handles(hub)
        lines = [Line("cut", cut_at=at) for at in range(1, 10_000, 200)]
        async with Wire(port(hub), lambda n: lines[n]) as wire:
            hung_up = (post(wire.port, HEADERS, FILES.message(n)[1]) for n in range(1, len(lines)))
            said = await asyncio.gather(*hung_up, return_exceptions=True)
        assert all(isinstance(one, OSError | ValueError) for one in said), said
        await asyncio.sleep(0.5)
        assert handles(hub) <= before + 10  # a pool's connections
        store = await opened(database_url, tmp_path / "judge")
        assert len(await store.payloads.list(None)) == 1
        await store.close()
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and "tmp" in path.name]


async def test_a_file_that_comes_eight_times_at_once(database_url: str, tmp_path: Path) -> None:
    digest, body = FILES.message(0)
    async with hubs(tmp_path, database_url, 1 if database_url.startswith("sqlite") else 2) as found:
        ports = [port(found[n % len(found)]) for n in range(8)]
        said = await asyncio.gather(*(post(one, HEADERS, body) for one in ports))
        assert [status for status, _ in said] == [200] * 8
        assert sum(b'"persisted":true' in text for _, text in said) == 1
        store = await opened(database_url, tmp_path / "judge")
        await judge(store, FILES, 1, [digest], tmp_path / "sound")
        await store.close()


@pytest.mark.soak
@pytest.mark.postgres
async def test_a_hub_that_stands_still_in_a_transaction(
    postgres_url: str, tmp_path: Path, record_property: Record
) -> None:
    """Its locks are let go of, another hub takes over, and what it wakes up with counts for nothing."""
    async with hubs(tmp_path, postgres_url, 2) as (still, other):
        async with Wire(port(still)) as one, Wire(port(other)) as two:
            senders = Senders([one, two], FILES, HEADERS, rate=20)
            sending = asyncio.create_task(senders.run(STILL + 15))
            await asyncio.sleep(2)
            await stopped_within(still, postgres_url)
            one.cut()
            one.plugged = False  # what stands before several hubs leaves out the one that does not answer
            await asyncio.sleep(STILL)
            os.kill(pid(still), signal.SIGCONT)
            one.plugged = True
            await sending
        store = await opened(postgres_url, tmp_path / "judge")
        await settled(store, 60)
        await judge(store, FILES, senders.sent, senders.acked, tmp_path / "sound")
        await store.close()
    record_property("slowest_file_s", round(senders.slowest, 1))
    assert senders.slowest <= 35


async def stopped_within(hub: Process, url: str) -> None:
    """Stop the process at a moment when a transaction of its is open."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for _ in range(1000):
            os.kill(pid(hub), signal.SIGSTOP)
            await asyncio.sleep(0.1)
            counts = []
            for _ in range(3):
                row = await (await connection.execute(query)).fetchone()  # type: ignore[arg-type, unused-ignore]
                counts.append(row[0] if row else 0)
                await asyncio.sleep(0.1)
            if min(counts) > 0:
                return
            os.kill(pid(hub), signal.SIGCONT)
            await asyncio.sleep(0.05)
    raise AssertionError("it never stood still in a transaction")


@pytest.mark.postgres
async def test_a_lock_is_answered_in_time(postgres_url: str, tmp_path: Path) -> None:
    """Whoever comes while others hold a table is told to come back, and is served when it is free."""
    await held_up(postgres_url, tmp_path, 6, 2.5)


@pytest.mark.soak
@pytest.mark.postgres
async def test_a_database_that_holds_everybody_up(
    postgres_url: str, tmp_path: Path, record_property: Record
) -> None:
    """More callers than connections, all behind one lock: the hub lives and loses nothing."""
    slowest, longest, answers = await held_up(postgres_url, tmp_path, 60, STILL)
    record_property("slowest_healthz_ms", round(1000 * slowest))
    record_property("told_to_come_back", answers)
    record_property("longest_answer_s", round(longest, 1))
    assert slowest <= 1
    assert longest <= ANSWERED


async def held_up(url: str, folder: Path, callers: int, seconds: float) -> tuple[float, float, int]:
    """Callers that ask over and over behind a lock. /healthz' slowest answer, theirs, and how many 503s."""
    async with (
        hubs(folder, url) as (hub,),
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port(hub)}", headers=HEADERS, timeout=90) as client,
        await psycopg.AsyncConnection.connect(url) as connection,
    ):
        await connection.execute("LOCK TABLE payload IN ACCESS EXCLUSIVE MODE")
        until = monotonic() + seconds
        asking = [asyncio.create_task(_insist(client, n, until)) for n in range(callers)]
        slowest = 0.0
        while monotonic() < until:
            begin = monotonic()
            assert (await client.get("/healthz")).status_code == 200
            slowest = max(slowest, monotonic() - begin)
            await asyncio.sleep(0.2)
        answers = [answer for many in await asyncio.gather(*asking) for answer in many]
        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
        await connection.rollback()
        again = await asyncio.gather(*(_post(client, n) for n in range(callers)))
        assert {answer.status_code for answer in again} == {200}
        store = await opened(url, folder / "judge")
        await judge(store, FILES, callers, [FILES.message(n)[0] for n in range(callers)], folder / "sound")
        await store.close()
    return slowest, max(answer.elapsed.total_seconds() for answer in answers), len(answers)


async def _insist(client: httpx2.AsyncClient, number: int, until: float) -> list[httpx2.Response]:
    """Send a file and look at the archive, in turns."""
    answers = []
    while monotonic() < until:
        answers.append(await _post(client, number))
        answers.append(await client.get("/api/admin/debug/smt/raw-files"))
    return answers


async def _post(client: httpx2.AsyncClient, number: int) -> httpx2.Response:
    _, body = FILES.message(number)
    headers = {"content-type": "application/json"}
    return await client.post("/api/admin/smt/pull", content=body, headers=headers)
