"""How long a request waits: for locks, for connections, for others' work; and what takes its time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from sqlalchemy import text
from tests.store.fake import block, file, parse

from wattledger.errors import TryLater
from wattledger.faults import sabotage
from wattledger.secrets import Vault
from wattledger.store import Store, database, open_store
from wattledger.store.patience import hurried

PROMPT, LONGER = 12.0, 2.0
"""seconds: much less than a lock or a lease lasts, even on a busy machine; and more than a request waits"""
POOL = 32


@pytest.fixture(autouse=True)
def hurry_of_the_product(monkeypatch: pytest.MonkeyPatch, product_hurry: dict[str, float]) -> None:
    for name, seconds in product_hurry.items():
        monkeypatch.setattr(database, name, seconds)


@pytest.fixture
async def on_postgres(postgres_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(postgres_url, data=tmp_path, parse=parse, vault=Vault({}))
    yield store
    await store.close()


@asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type, unused-ignore]
        yield other


async def refused(store: Store) -> float:
    """The seconds until a delivery is refused, with all that is tidied up after it."""
    begun = monotonic()
    with hurried(store.database.patience), pytest.raises(TryLater):
        await store.payloads.deliver((await store.sites.default()).id, file(block(20000, [1] * 96)))
    return monotonic() - begun


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["site", "payload", "usage_point"])
async def test_a_request_behind_a_lock_is_answered(on_postgres: Store, postgres_url: str, table: str) -> None:
    """Before the archive, within it and after it: and the next one is not kept waiting by a lease."""
    site = (await on_postgres.sites.default()).id
    async with locked(postgres_url, table) as other:
        assert await refused(on_postgres) < PROMPT
        await other.rollback()
        begun = monotonic()
        with hurried(on_postgres.database.patience):
            receipt = await on_postgres.payloads.deliver(site, file(block(20000, [1] * 96)))
    assert receipt.state == "read"
    assert monotonic() - begun < PROMPT


@pytest.mark.postgres
async def test_sabotage_request_patience_is_noticed(on_postgres: Store, postgres_url: str) -> None:
    async with locked(postgres_url, "payload") as other:
        with sabotage("request_patience"):
            waits = asyncio.create_task(refused(on_postgres))
            await asyncio.sleep(LONGER)
            assert not waits.done()
            await other.rollback()
            with pytest.raises(pytest.fail.Exception):  # it was served, late
                await waits


@pytest.mark.postgres
async def test_work_of_the_hub_itself_has_time(on_postgres: Store, postgres_url: str) -> None:
    site = (await on_postgres.sites.default()).id
    async with locked(postgres_url, "payload") as other:
        with hurried(on_postgres.database.patience) as hurry:
            hurry.over = True  # as when its answer has begun
            works = [
                asyncio.create_task(on_postgres.payloads.deliver(site, file(block(20000 + n, [1] * 96))))
                for n in range(2)
            ]
            await asyncio.sleep(LONGER)
        await other.rollback()
        assert {receipt.state for receipt in await asyncio.gather(*works)} == {"read"}


@pytest.mark.postgres
async def test_what_is_slow_by_itself_is_not_cut(on_postgres: Store) -> None:
    with hurried(10.0) as hurry:
        async with on_postgres.connect() as connection:
            assert await connection.scalar(text(f"SELECT 1 FROM pg_sleep({LONGER})")) == 1
    assert hurry.left > 10.0 - LONGER


@pytest.mark.postgres
async def test_no_connection_is_left(on_postgres: Store) -> None:
    """Requests have taken all of theirs; the hub's own work still finds one."""
    async with AsyncExitStack() as stack:
        with hurried(30.0):
            for _ in range(POOL):
                await stack.enter_async_context(on_postgres.connect())
        assert await refused(on_postgres) < PROMPT
        await on_postgres.ping()


async def test_another_holds_what_is_exclusive(store: Store) -> None:
    async with store.database.exclusive("replay"):
        begun = monotonic()
        with hurried(0.3), pytest.raises(TryLater):
            async with store.database.exclusive("replay"):
                pass
        assert monotonic() - begun < PROMPT
    async with store.database.exclusive("replay"):
        pass


async def test_writers_of_a_file_wait_together(sqlite_url: str, tmp_path: Path) -> None:
    """Behind another process no request waits until those before it have waited."""
    stores = [await open_store(sqlite_url, data=tmp_path, parse=parse, vault=Vault({})) for _ in "ab"]
    for store in stores:
        store.database.patience = 1.0
    async with stores[0].begin():
        took = await asyncio.gather(*(refused(stores[1]) for _ in range(16)))
    assert max(took) < PROMPT  # one after the other it would be sixteen
    for store in stores:
        await store.close()


async def test_another_program_writes_to_the_file(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_HURRIED", 0.3)
    store = await open_store(sqlite_url, data=tmp_path, parse=parse, vault=Vault({}))
    other = sqlite3.connect(str(store.database.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await refused(store) < PROMPT
    other.rollback()
    other.close()
    site = (await store.sites.default()).id
    assert (await store.payloads.deliver(site, file(block(20000, [1])))).state == "read"
    await store.close()
