"""Backup and restore of a PostgreSQL home: one moment, any later version, nothing left of a damaged one."""

from __future__ import annotations

import asyncio
import tarfile
from pathlib import Path

import psycopg
import pytest
from tests.store.fake import block, file, parse
from tests.store.test_backup import NOISE

from wattledger.errors import BadPayload, Refused, WattledgerError
from wattledger.faults import sabotage
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.archive.backup import backup, restore
from wattledger.store.archive.scrub import scrub
from wattledger.store.tables import metadata

pytestmark = pytest.mark.postgres


async def home(url: str, folder: Path) -> Store:
    folder.mkdir(exist_ok=True)
    return await open_store(url, data=folder, parse=parse, vault=Vault({}))


async def filled(url: str, folder: Path) -> Store:
    store = await home(url, folder)
    site = (await store.sites.default()).id
    await store.payloads.deliver(site, file(block(20000, [1] * 96), block(20001, [2] * 96)))
    await store.payloads.deliver(site, file(block(20002, [3] * 96), noise=NOISE))
    await store.audit.record(None, "a test", "something", "site:1")
    return store


def tables(url: str) -> list[str]:
    listed = "SELECT table_name FROM information_schema.tables WHERE table_schema='public'"
    with psycopg.connect(url) as connection:
        return sorted(name for (name,) in connection.execute(f"{listed} AND table_type='BASE TABLE'"))


async def test_what_was_backed_up_comes_back(
    postgres_url: str, empty_postgres_url: str, tmp_path: Path
) -> None:
    store, target = await filled(postgres_url, tmp_path / "a"), tmp_path / "home.tar"
    await backup(store, tmp_path / "a", target)
    before, audited = await store.digest(), len(await store.audit.list())
    await store.close()
    (tmp_path / "b").mkdir()
    assert await restore(target, tmp_path / "b", url=empty_postgres_url) == before
    again = await home(empty_postgres_url, tmp_path / "b")
    assert NOISE.encode() in await again.payloads.body(2)
    assert not (await scrub(again)).problems and (await again.replay()).digest == before
    assert len(await again.audit.list()) >= audited and await again.audit.verify()
    site = (await again.sites.default()).id
    assert (await again.payloads.deliver(site, file(block(20003, [4] * 96)))).id == 3
    await again.close()
    with pytest.raises(Refused, match="empty"):
        await restore(target, tmp_path / "b", url=empty_postgres_url)


async def test_every_table_is_in_it(postgres_url: str, tmp_path: Path) -> None:
    store = await filled(postgres_url, tmp_path / "a")
    await backup(store, tmp_path / "a", tmp_path / "home.tar")
    await store.close()
    with tarfile.open(tmp_path / "home.tar") as archive:
        found = sorted(
            name.removeprefix("tables/") for name in archive.getnames() if name.startswith("tables/")
        )
    assert (
        found
        == sorted(metadata.tables)
        == [name for name in tables(postgres_url) if name != "alembic_version"]
    )


async def _while_files_come(url: str, empty: str, tmp_path: Path) -> None:
    store, writer = await filled(url, tmp_path / "a"), await home(url, tmp_path / "a")
    site, count, stop = (await store.sites.default()).id, 0, asyncio.Event()

    async def deliver() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            await writer.payloads.deliver(site, file(block(21000 + count, [count] * 96)))

    coming = asyncio.create_task(deliver())
    try:
        while count < 3:
            await asyncio.sleep(0.01)
        await backup(store, tmp_path / "a", tmp_path / "home.tar")
    finally:
        stop.set()
        await coming
        await writer.close()
        await store.close()
    (tmp_path / "b").mkdir()
    await restore(tmp_path / "home.tar", tmp_path / "b", url=empty)


async def test_a_backup_is_of_one_moment(postgres_url: str, empty_postgres_url: str, tmp_path: Path) -> None:
    await _while_files_come(postgres_url, empty_postgres_url, tmp_path)


async def test_sabotage_one_snapshot_is_noticed(
    postgres_url: str, empty_postgres_url: str, tmp_path: Path
) -> None:
    with sabotage("one_snapshot"), pytest.raises(WattledgerError):
        await _while_files_come(postgres_url, empty_postgres_url, tmp_path)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
async def test_a_damaged_backup_changes_nothing(
    postgres_url: str, empty_postgres_url: str, tmp_path: Path, place: float
) -> None:
    store, target = await filled(postgres_url, tmp_path / "a"), tmp_path / "home.tar"
    await backup(store, tmp_path / "a", target)
    await store.close()
    raw = bytearray(target.read_bytes())
    raw[int(len(raw) * place)] ^= 1
    target.write_bytes(raw)
    (tmp_path / "b").mkdir()
    with pytest.raises(BadPayload):
        await restore(target, tmp_path / "b", url=empty_postgres_url)
    assert tables(empty_postgres_url) == [] and list((tmp_path / "b").iterdir()) == []


async def test_a_ledger_that_was_wrong_already_is_not_restored(
    postgres_url: str, empty_postgres_url: str, tmp_path: Path
) -> None:
    store = await filled(postgres_url, tmp_path / "a")
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE energy_day SET total_wh = total_wh + 1 WHERE day = 20001")
    await backup(store, tmp_path / "a", tmp_path / "home.tar")
    await store.close()
    (tmp_path / "b").mkdir()
    with pytest.raises(BadPayload, match="2024-10-05"):
        await restore(tmp_path / "home.tar", tmp_path / "b", url=empty_postgres_url)
    assert tables(empty_postgres_url) == []


async def test_the_other_kind_of_database_is_refused(
    postgres_url: str, empty_postgres_url: str, tmp_path: Path
) -> None:
    store = await filled(postgres_url, tmp_path / "a")
    await backup(store, tmp_path / "a", tmp_path / "postgres.tar")
    await store.close()
    small = await home(f"sqlite:///{tmp_path / 'a/wattledger.db'}", tmp_path / "a")
    await backup(small, tmp_path / "a", tmp_path / "sqlite.tar")
    await small.close()
    (tmp_path / "b").mkdir()
    with pytest.raises(Refused, match="DATABASE_URL"):
        await restore(tmp_path / "postgres.tar", tmp_path / "b")
    with pytest.raises(Refused, match="DATABASE_URL"):
        await restore(tmp_path / "sqlite.tar", tmp_path / "b", url=empty_postgres_url)
