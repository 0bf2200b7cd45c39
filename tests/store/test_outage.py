"""A database that goes away: TryLater, nothing lost, and the next delivery works once it is back."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from tests import postgres_server
from tests.store.fake import block, file, parse

from wattledger.errors import TryLater
from wattledger.secrets import Vault
from wattledger.store import open_store


@pytest.mark.postgres
async def test_a_server_that_stops_says_try_later(tmp_path: Path) -> None:
    try:
        server = await asyncio.to_thread(postgres_server.start)
    except postgres_server.Unavailable as reason:
        pytest.skip(f"no PostgreSQL server: {reason}")
    if server.process is None:
        pytest.skip("the server that TEST_DATABASE_URL names is not ours to stop")
    try:
        store = await open_store(server.url, data=tmp_path, parse=parse, vault=Vault({}))
        site = (await store.sites.default()).id
        assert (await store.payloads.deliver(site, file(block(20000, [1])))).state == "read"
        server.process.send_signal(signal.SIGQUIT)
        await asyncio.to_thread(server.process.wait, 30)
        for _ in range(2):
            with pytest.raises(TryLater):
                await store.payloads.deliver(site, file(block(20001, [1])))
            with pytest.raises(TryLater):
                await store.ping()
        await store.close()
    finally:
        server.stop()


@pytest.mark.postgres
async def test_a_server_that_only_reads_says_try_later(
    postgres: postgres_server.Server, postgres_url: str, tmp_path: Path
) -> None:
    """As one does that is being promoted."""
    store = await open_store(postgres_url, data=tmp_path, parse=parse, vault=Vault({}))
    site = (await store.sites.default()).id
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    for mode, ready in (("on", False), ("off", True)):
        postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = {mode}")
        await store.database.engine.dispose()
        if ready:
            assert (await store.payloads.deliver(site, file(block(20000, [1])))).state == "read"
        else:
            with pytest.raises(TryLater):
                await store.payloads.deliver(site, file(block(20000, [1])))
    await store.close()


async def test_a_locked_file_says_try_later(sqlite_url: str, tmp_path: Path) -> None:
    store = await open_store(sqlite_url, data=tmp_path, parse=parse, vault=Vault({}))
    site = (await store.sites.default()).id
    database = tmp_path / "wattledger.db"
    database.rename(tmp_path / "gone.db")
    database.mkdir()
    await store.database.engine.dispose()
    with pytest.raises(TryLater):
        await store.payloads.deliver(site, file(block(20000, [1])))
    database.rmdir()
    (tmp_path / "gone.db").rename(database)
    assert (await store.payloads.deliver(site, file(block(20000, [1])))).state == "read"
    await store.close()
