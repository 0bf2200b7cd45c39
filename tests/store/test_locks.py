"""One writer at a time, migrations from several processes, and what the drivers' errors become."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from tests.store.fake import RECEIVED, StillClock, block, file, parse

from wattledger.errors import Misconfigured, Refused, TryLater
from wattledger.faults import arm, kill_at, sabotage
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.database import Database
from wattledger.store.migrate import migrate
from wattledger.store.tables import site as sites
from wattledger.store.tables import usage_point
from wattledger.store.writer_lock import FileLock


async def test_a_writer_holds_the_file_lock(sqlite_url: str) -> None:
    assert await locked_while_writing(sqlite_url)


async def test_sabotage_writer_lock_is_noticed(sqlite_url: str) -> None:
    with sabotage("writer_lock"):
        assert not await locked_while_writing(sqlite_url)


async def locked_while_writing(url: str) -> bool:
    """Whether another process could not take the lock file during a write transaction."""
    database = Database(url)
    try:
        async with database.begin():
            with Path(f"{database.path}.lock").open("w") as other:
                try:
                    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return True
                return False
    finally:
        await database.close()


async def test_a_lock_that_is_never_let_go_says_try_later(tmp_path: Path) -> None:
    first, second = (FileLock(tmp_path / "x", Database(f"sqlite:///{tmp_path}/y").clock, 0.05) for _ in "ab")
    async with first.held():
        with pytest.raises(TryLater):
            async with second.held():
                pass
    async with second.held():
        pass


async def test_writers_queue_up(store: Store, site: str) -> None:
    """Fifty deliveries at once into the same usage point: all read, none lost."""
    files = [file(block(20000 + i % 5, [i] * 96, rev=i), name=str(i)) for i in range(50)]
    receipts = await asyncio.gather(*(store.payloads.deliver(site, f) for f in files))
    assert {r.state for r in receipts} == {"read"}
    before = await store.digest()
    assert (await store.replay()).digest == before


async def test_the_same_file_at_once_is_one_payload(store: Store, site: str) -> None:
    payload = file(block(20000, [1] * 96))
    receipts = await asyncio.gather(*(store.payloads.deliver(site, payload) for _ in range(8)))
    assert len({r.id for r in receipts}) == 1
    assert sorted(r.duplicate for r in receipts) == [False] + [True] * 7
    assert {r.state for r in receipts} == {"read"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


def test_four_processes_migrate_at_once(empty_url: str) -> None:
    children = [_fork(empty_url, None) for _ in range(4)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert asyncio.run(_migrate(empty_url)) is False


def test_a_killed_migration_runs_again(empty_url: str) -> None:
    child = _fork(empty_url, "hub.before_migration_commit")
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert asyncio.run(_migrate(empty_url)) is True
    assert asyncio.run(_migrate(empty_url)) is False


def _fork(url: str, point: str | None) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        if point:
            arm(point, kill_at(1))
        asyncio.run(_migrate(url))
        status = 0
    finally:
        os._exit(status)


async def _migrate(url: str) -> bool:
    database = Database(url)
    try:
        return await migrate(database)
    finally:
        await database.close()


async def test_a_newer_schema_is_refused(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url)
    async with database.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    with pytest.raises(Misconfigured, match="newer"):
        await open_store(database_url, data=tmp_path, parse=parse, vault=Vault({}))


async def test_nul_is_refused_before_the_database(store: Store) -> None:
    for bad in ("a\0b", "a\ud800"):
        with pytest.raises(Refused):
            async with store.begin() as connection:
                values = {"id": bad, "name": "x", "timezone": "UTC", "created_at": RECEIVED}
                await connection.execute(insert(sites).values(values))


async def test_lost_races_are_tried_again(store: Store, site: str) -> None:
    tries = 0

    async def work(connection: object) -> int:
        nonlocal tries
        tries += 1
        point = {"id": "1", "external_id": "same", "site": site, "connector": "x", "kind": "meter"}
        more = {"name": "x", "timezone": "UTC", "created_at": RECEIVED}
        await connection.execute(insert(usage_point).values({**point, **more, "id": str(tries)}))  # type: ignore[attr-defined]
        if tries < 3:
            await connection.execute(insert(usage_point).values({**point, **more}))  # type: ignore[attr-defined]
        return tries

    assert await store.database.transact(work) == 3


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    for bad in ("mysql://x/y", "sqlite://", "nonsense"):
        with pytest.raises(Misconfigured):
            await open_store(bad, data=tmp_path, parse=parse, vault=Vault({}))
    with pytest.raises(TryLater):
        await open_store("postgresql://nobody@127.0.0.1:1/x", data=tmp_path, parse=parse, vault=Vault({}))


async def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/wattledger.db"
    store = await open_store(f"sqlite:///{path}", data=tmp_path / "data", parse=parse, vault=Vault({}))
    await store.close()
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(Misconfigured):
        await open_store("sqlite:////dev/null/x.db", data=tmp_path, parse=parse, vault=Vault({}))


async def test_ping(store: Store, clock: StillClock) -> None:
    await store.ping()
