"""PostgreSQL back to a moment, by the steps that docs/backup.md names: base copy, archived log, recovery."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests import postgres_server
from tests.deploy.test_restore_drill import SAFE
from tests.store.fake import block, file, parse
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.archive.scrub import scrub

Record = Callable[[str, object], None]
ARCHIVE_SECONDS, SLACK = 5, 5
"""how often the log is archived at the least; the seconds that it may take on a busy machine"""
pytestmark = [pytest.mark.postgres, pytest.mark.soak]


async def opened(url: str, folder: Path) -> Store:
    return await open_store(url, data=folder, parse=parse, vault=Vault({}))


async def deliver(store: Store, first: int, last: int) -> None:
    site = (await store.sites.default()).id
    for day in range(first, last):
        await store.payloads.deliver(site, file(block(20040 + day, [day + 1] * 96)))


@dataclass
class Archived:
    """A server whose log is archived, and what docs/backup.md does with it."""

    server: postgres_server.Server
    binaries: Path
    wal: Path

    @property
    def base(self) -> Path:
        assert self.server.folder
        return self.server.folder / "base"

    def copy(self) -> None:
        """The base copy."""
        words = [f"--pgdata={self.base}", "--checkpoint=fast", "--wal-method=stream"]
        where = ["-h", str(self.server.folder), "-U", "postgres"]
        identity = postgres_server._identity(self.base.parent)
        subprocess.run(
            [self.binaries / "pg_basebackup", *words, *where], check=True, cwd=self.base.parent, **identity
        )

    def recover(self, *settings: str) -> None:
        """The server is lost with its disk; another one starts from the base copy and the archived log."""
        self.server.crash()
        shutil.rmtree(self.base.parent / "data")
        with (self.base / "postgresql.auto.conf").open("a") as file:
            lines = (f"restore_command = 'cp {self.wal}/%f %p'", *settings)
            file.writelines(f"{line}\n" for line in lines)
        (self.base / "recovery.signal").touch()
        self.server.command = [
            self.binaries / "postgres", "-D", self.base, "-k", self.base.parent, "-c", "listen_addresses=",
        ]  # fmt: skip
        self.server.launch()


@pytest.fixture
def archived() -> Iterator[Archived]:
    binaries = next((path for path in postgres_server.binaries() if (path / "pg_basebackup").exists()), None)
    if binaries is None or os.environ.get("TEST_DATABASE_URL"):
        pytest.skip("pg_basebackup and a server of our own are needed")
    wal = Path(tempfile.mkdtemp(prefix="wl-wal-", dir="/tmp"))
    wal.chmod(0o777)
    keep = f"archive_command=test ! -f {wal}/%f && cp %p {wal}/.%f && mv {wal}/.%f {wal}/%f"
    server = postgres_server.start(
        "wal_level=replica", "archive_mode=on", keep, f"archive_timeout={ARCHIVE_SECONDS}"
    )
    try:
        yield Archived(server, binaries, wal)
    finally:
        server.stop()
        shutil.rmtree(wal)


async def test_back_to_a_moment(archived: Archived, tmp_path: Path, record_property: Record) -> None:
    store = await opened(archived.server.url, tmp_path)
    await deliver(store, 0, 10)
    archived.copy()
    await deliver(store, 10, 20)
    wanted = await store.digest()
    with psycopg.connect(archived.server.url, autocommit=True) as connection:
        moment = connection.execute("SELECT now()::text").fetchone()
        assert moment
        time.sleep(1.1)
        await deliver(store, 20, 30)
        connection.execute("SELECT pg_switch_wal()")
    assert await store.digest() != wanted
    await store.close()
    begun = time.monotonic()
    await asyncio.to_thread(_archived_up_to_now, archived)
    archived.recover(f"recovery_target_time = '{moment[0]}'", "recovery_target_action = promote")
    back = await opened(archived.server.url, tmp_path)
    await asyncio.to_thread(_promoted, archived)
    assert await back.digest() == wanted and not (await scrub(back)).problems
    await deliver(back, 40, 41)
    await back.close()
    record_property("seconds_until_it_answers", round(time.monotonic() - begun, 1))


def _archived_up_to_now(archived: Archived) -> None:
    """Wait until nothing of the log is still to be archived."""
    with psycopg.connect(archived.server.url, autocommit=True) as connection:
        query = "SELECT pg_walfile_name(pg_switch_wal()) <= last_archived_wal FROM pg_stat_archiver"
        while connection.execute(query).fetchone() != (True,):
            time.sleep(0.1)


def _promoted(archived: Archived) -> None:
    """Wait until the server takes writes."""
    with psycopg.connect(archived.server.url, autocommit=True) as connection:
        while connection.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
            time.sleep(0.05)


async def test_what_a_crash_costs(archived: Archived, tmp_path: Path, record_property: Record) -> None:
    """The server is lost with its disk, in the midst of deliveries: only what is young is lost."""
    store = await opened(archived.server.url, tmp_path)
    archived.copy()
    acknowledged, begin = list[tuple[float, str]](), time.monotonic()
    site = (await store.sites.default()).id
    while time.monotonic() < begin + 3.7 * ARCHIVE_SECONDS:  # not just after the log was archived
        turn, day = divmod(len(acknowledged), SAFE)
        done = await store.payloads.deliver(site, file(block(20160 + day, [turn + 1] * 96)))
        acknowledged.append((time.monotonic(), done.sha256))
        await asyncio.sleep(0.05)
    await store.close()
    crash = time.monotonic()
    archived.recover("recovery_target_timeline = latest")
    await asyncio.to_thread(_promoted, archived)
    back = await opened(archived.server.url, tmp_path)
    found = {row.sha256 for row in await back.payloads.list(None, limit=100_000)}
    assert not (await scrub(back)).problems
    await back.close()
    lost = [at for at, sha256 in acknowledged if sha256 not in found]
    record_property("archive_timeout_s", ARCHIVE_SECONDS)
    record_property("acknowledged_before_the_crash", len(acknowledged))
    record_property("lost_of_them", len(lost))
    record_property("oldest_lost_s_before_the_crash", round(crash - min(lost, default=crash), 1))
    assert found and crash - min(lost, default=crash) <= ARCHIVE_SECONDS + SLACK
    assert lost == [at for at, _ in acknowledged[len(acknowledged) - len(lost) :]], "only the youngest"
