"""One consistent archive of a home, and back: a tar of the database, the large bodies and a manifest.

SQLite goes as a copy of its file, PostgreSQL as its tables (`backup_postgres`). The key file is not in it.
What is restored is checked: every file's digest, every body, every day's totals, the whole ledger's digest.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url, select

from wattledger.clock import SystemClock
from wattledger.errors import BadPayload, NotFound, Refused, TryLater
from wattledger.faults import sabotaged
from wattledger.secrets import Vault
from wattledger.store.archive import backup_postgres, tarball
from wattledger.store.archive.bodies import Bodies
from wattledger.store.archive.objects import Objects, key_of, open_objects
from wattledger.store.archive.scrub import scrub_parts
from wattledger.store.database import Database
from wattledger.store.ledger.digest import digest, earlier
from wattledger.store.migrate import migrate
from wattledger.store.tables import body

if TYPE_CHECKING:
    from wattledger.store import Store

DATABASE, OBJECTS = "wattledger.db", "objects"
SQLITE, POSTGRESQL = "sqlite", "postgresql"


async def backup(store: Store, data: Path, target: Path) -> None:
    """Write the archive `target` while the home runs. Raises Refused where it exists."""
    if target.exists():
        raise Refused(f"{target} exists already; choose another name.", "EXISTS")
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=data) as scratch:
        folder = Path(scratch)
        if store.database.path is not None:
            manifest, large = await _copy_sqlite(store.database.path, folder / DATABASE)
        else:
            dumped = await backup_postgres.dump(store.database, folder)
            manifest, large = dumped.manifest, dumped.large
        await _write(store.objects, folder, manifest, large, target)


async def _copy_sqlite(source: Path, copy: Path) -> tuple[dict[str, Any], list[str]]:
    await asyncio.to_thread(_snapshot, source, copy)
    database = Database(f"sqlite:///{copy}")
    try:
        return {"engine": SQLITE, "digest": await digest(database)}, await _large(database)
    finally:
        await database.close()


def _snapshot(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as a, closing(sqlite3.connect(target)) as b:
        a.backup(b)


async def _large(database: Database) -> list[str]:
    """The digests of bodies that lie in the object store."""
    query = select(body.c.sha256).where(body.c.data.is_(None)).order_by(body.c.sha256)
    async with database.connect() as connection:
        return list(await connection.scalars(query))


async def _write(
    objects: Objects, folder: Path, manifest: dict[str, Any], large: Iterable[str], target: Path
) -> None:
    with tarball.writing(target) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            if not path.name.endswith((".lock", "-wal", "-shm")):
                await asyncio.to_thread(archive.file, path, str(path.relative_to(folder)))
        for sha256 in large:
            archive.content(await _kept(objects, sha256), f"{OBJECTS}/{key_of(sha256)}")
        archive.end(manifest)


async def _kept(objects: Objects, sha256: str) -> bytes:
    try:
        return await objects.get(key_of(sha256))
    except NotFound:
        raise TryLater(
            f"The large body {sha256} is gone: it was deleted while the backup ran, which then can be begun "
            "anew, or it is lost (`wattledger db scrub`)."
        ) from None


async def restore(archive: Path, data: Path, *, url: str | None = None, objects: str | None = None) -> str:
    """Bring an archive back: into a data folder without a database, or into an empty PostgreSQL at `url`.

    `objects` is where large bodies are kept (see `open_objects`). Returns the ledger's digest. Raises
    Refused where a home is there already or looked for elsewhere, or the archive is of the other kind;
    BadPayload where anything in it is not as it was written. Then nothing was changed.
    """
    postgres = url is not None and not url.startswith("sqlite")
    if not postgres:
        _has_room(data / DATABASE, url)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=data) as scratch:
        folder = Path(scratch)
        manifest = await asyncio.to_thread(tarball.unpack, archive, folder)
        _suits(manifest, postgres)
        place = open_objects(objects, data)
        if postgres:
            assert url is not None
            return await _into_postgres(manifest, folder, place, url)
        return await _into_folder(manifest, folder, place, data)


def _has_room(place: Path, url: str | None) -> None:
    if place.exists():
        raise Refused(f"{place.parent} holds a database already; restore into an empty folder.", "EXISTS")
    if url and Path(make_url(url).database or "").resolve() != place.resolve():
        raise Refused(f"A backup goes into {place}, but DATABASE_URL names another file.", "ELSEWHERE")


def _suits(manifest: dict[str, Any], postgres: bool) -> None:
    if (manifest.get("engine", SQLITE) == POSTGRESQL) != postgres:
        wanted = "an empty PostgreSQL in DATABASE_URL" if not postgres else "no DATABASE_URL and no DB_HOST"
        raise Refused(f"This backup is of the other kind of database: set {wanted}.", "OTHER_ENGINE")


async def _into_folder(manifest: dict[str, Any], folder: Path, place: Objects, data: Path) -> str:
    """Everything durably in its place, the database last."""
    database = Database(f"sqlite:///{folder / DATABASE}", SystemClock())
    try:
        await migrate(database)
        word = await _check(manifest, database, open_objects(str(folder / OBJECTS), folder))
    finally:
        await database.close()
    await _put(folder, place)
    os.sync()
    (folder / DATABASE).replace(data / DATABASE)
    os.sync()
    return word


async def _into_postgres(manifest: dict[str, Any], folder: Path, place: Objects, url: str) -> str:
    """The large bodies first; a database that does not pass the check is emptied again."""
    database = Database(url, SystemClock())
    try:
        await _put(folder, place)
        await backup_postgres.load(database, folder, manifest)
        try:
            return await _check(manifest, database, place)
        except BadPayload:
            await backup_postgres.clear(database)
            raise
    finally:
        await database.close()


async def _put(folder: Path, place: Objects) -> None:
    """The large bodies, each durable before the next."""
    root = folder / OBJECTS
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        await place.put(path.relative_to(root).as_posix(), await asyncio.to_thread(path.read_bytes))


async def _check(manifest: dict[str, Any], database: Database, objects: Objects) -> str:
    """Scrub what came back, and compare the ledger's digest.

    The keys are not in a backup: of sealed bodies the manifest vouches for the bytes.
    """
    report = await scrub_parts(database, Bodies(database, objects, Vault({})))
    word = await digest(database)
    words = {word} if word == manifest["digest"] else {word, await earlier(database)}
    if not sabotaged("restore_check") and (report.problems or manifest["digest"] not in words):
        first = report.problems[0] if report.problems else "its ledger has another digest."
        raise BadPayload(f"The backup is damaged: {first}")
    return word
