"""PostgreSQL back to a moment, by the steps that docs/backup.md names: base copy, archived log, recovery."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import postgres_server
from tests.store.fake import block, file, parse
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.archive.scrub import scrub

Record = Callable[[str, object], None]
pytestmark = [pytest.mark.postgres, pytest.mark.soak]


async def opened(url: str, folder: Path) -> Store:
    return await open_store(url, data=folder, parse=parse, vault=Vault({}))


async def deliver(store: Store, first: int, last: int) -> None:
    site = (await store.sites.default()).id
    for day in range(first, last):
        await store.payloads.deliver(site, file(block(20040 + day, [day + 1] * 96)))


async def test_back_to_a_moment(tmp_path: Path, record_property: Record) -> None:
    binaries = next((path for path in postgres_server.binaries() if (path / "pg_basebackup").exists()), None)
    if binaries is None or os.environ.get("TEST_DATABASE_URL"):
        pytest.skip("pg_basebackup and a server of our own are needed")
    wal = Path(tempfile.mkdtemp(prefix="wl-wal-", dir="/tmp"))
    wal.chmod(0o777)
    keep = f"archive_command=test ! -f {wal}/%f && cp %p {wal}/.%f && mv {wal}/.%f {wal}/%f"
    server = postgres_server.start("wal_level=replica", "archive_mode=on", keep)
    try:
        await _drill(server, binaries, wal, tmp_path, record_property)
    finally:
        server.stop()
        shutil.rmtree(wal)


async def _drill(
    server: postgres_server.Server, binaries: Path, wal: Path, tmp_path: Path, record: Record
) -> None:
    assert server.folder and server.process
    store, base = await opened(server.url, tmp_path), server.folder / "base"
    await deliver(store, 0, 10)
    identity: dict[str, Any] = postgres_server._identity(server.folder)
    copy: list[str | Path] = [
        binaries / "pg_basebackup",
        f"--pgdata={base}",
        "--checkpoint=fast",
        "--wal-method=stream",
    ]
    subprocess.run([*copy, "-h", server.folder, "-U", "postgres"], check=True, cwd=server.folder, **identity)
    await deliver(store, 10, 20)
    wanted = await store.digest()
    with psycopg.connect(server.url, autocommit=True) as connection:
        moment = connection.execute("SELECT now()::text").fetchone()
        assert moment
        time.sleep(1.1)
        await deliver(store, 20, 30)
        connection.execute("SELECT pg_switch_wal()")
    assert await store.digest() != wanted
    await store.close()
    begun = time.monotonic()
    server.process.kill()
    server.process.wait()
    with (base / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"restore_command = 'cp {wal}/%f %p'\nrecovery_target_time = '{moment[0]}'\n")
        settings.write("recovery_target_action = promote\n")
    (base / "recovery.signal").touch()
    again: list[str | Path] = [
        binaries / "postgres",
        "-D",
        base,
        "-k",
        server.folder,
        "-c",
        "listen_addresses=",
    ]
    log = (server.folder / "log2").open("wb")
    server.process = subprocess.Popen[bytes](again, stderr=log, cwd=server.folder, **identity)
    postgres_server._wait(server)
    back = await opened(server.url, tmp_path)
    assert await back.digest() == wanted and not (await scrub(back)).problems
    await deliver(back, 40, 41)
    await back.close()
    record("seconds_until_it_answers", round(time.monotonic() - begun, 1))
