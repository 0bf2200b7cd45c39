"""One consistent archive of a SQLite home, and back: a tar of the database, the large bodies and a manifest.

The key file is not in it. What is restored is checked first: every file's digest, every body, every day's
totals, and the digest of the whole ledger.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from wattledger.clock import SystemClock
from wattledger.errors import BadPayload, Refused
from wattledger.faults import sabotaged
from wattledger.secrets import Vault
from wattledger.store.archive.bodies import Bodies
from wattledger.store.archive.objects import Folder, Objects, key_of
from wattledger.store.archive.scrub import scrub_parts
from wattledger.store.database import Database
from wattledger.store.ledger.digest import digest
from wattledger.store.migrate import migrate
from wattledger.store.tables import body

if TYPE_CHECKING:
    from wattledger.store import Store

DATABASE, MANIFEST, OBJECTS = "wattledger.db", "manifest.json", "objects"
_VERSION = 1


async def backup(store: Store, data: Path, target: Path) -> None:
    """Write the archive `target` while the home runs. Raises Refused where it exists, or on PostgreSQL."""
    if store.database.path is None:
        raise Refused(
            "This home is on PostgreSQL; back it up with its own tool: "
            'pg_dump --format=custom --file=wattledger.dump "$DATABASE_URL" '
            "(and copy the folder `objects` of the data folder, or the bucket).",
            "POSTGRESQL",
        )
    if target.exists():
        raise Refused(f"{target} exists already; choose another name.", "EXISTS")
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=data) as scratch:
        copy = Path(scratch) / DATABASE
        await asyncio.to_thread(_snapshot, store.database.path, copy)
        database = Database(f"sqlite:///{copy}")
        try:
            word, large = await digest(database), await _large(database)
        finally:
            await database.close()
        await _write(store.objects, copy, word, large, target)


def _snapshot(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as a, closing(sqlite3.connect(target)) as b:
        a.backup(b)


async def _large(database: Database) -> list[str]:
    """The digests of bodies that lie in the object store."""
    query = select(body.c.sha256).where(body.c.data.is_(None)).order_by(body.c.sha256)
    async with database.connect() as connection:
        return list(await connection.scalars(query))


async def _write(objects: Objects, copy: Path, word: str, large: Iterable[str], target: Path) -> None:
    """The archive under another name, then renamed: it is whole or not there."""
    part = target.with_name(f".{target.name}.part")
    files: dict[str, str] = {}
    try:
        with tarfile.open(part, "w") as archive:
            files[DATABASE] = await asyncio.to_thread(_hash, copy)
            await asyncio.to_thread(archive.add, copy, DATABASE)
            for sha256 in large:
                kept = await objects.get(key_of(sha256))
                name = f"{OBJECTS}/{key_of(sha256)}"
                files[name] = hashlib.sha256(kept).hexdigest()
                _add(archive, name, kept)
            manifest = {"version": _VERSION, "digest": word, "files": files}
            _add(archive, MANIFEST, json.dumps(manifest, indent=1).encode())
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


async def restore(archive: Path, data: Path) -> str:
    """Bring an archive back into a data folder without a database. Returns the ledger's digest.

    Raises Refused where a database is there already, BadPayload where anything in the archive is not as it
    was written; then nothing was changed.
    """
    if (data / DATABASE).exists():
        raise Refused(f"{data} holds a database already; restore into an empty folder.", "EXISTS")
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=data) as scratch:
        folder = Path(scratch)
        manifest = await asyncio.to_thread(_unpack, archive, folder)
        await asyncio.to_thread(_compare, manifest, folder)
        word = await _check(manifest, folder)
        await asyncio.to_thread(_place, folder, data)
    return word


def _place(folder: Path, data: Path) -> None:
    """Everything durably in its place, the database last."""
    if (folder / OBJECTS).exists():
        shutil.copytree(folder / OBJECTS, data / OBJECTS, dirs_exist_ok=True)
    os.sync()
    (folder / DATABASE).replace(data / DATABASE)
    os.sync()


def _unpack(archive: Path, folder: Path) -> dict[str, Any]:
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                _extract(opened, member, folder)
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    except (tarfile.TarError, OSError, ValueError) as error:
        raise BadPayload(f"{archive} is no complete Wattledger backup ({type(error).__name__}).") from error
    if manifest.get("version") != _VERSION:
        raise BadPayload(f"{archive} was written by another version of Wattledger.")
    return manifest


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """One plain file below `folder`; nothing else was ever written into a backup.

    By hand, because the library's own filter came only with Python 3.11.4.
    """
    content = archive.extractfile(member) if member.isreg() else None
    target = (folder / member.name).resolve()
    if content is None or not target.is_relative_to(folder.resolve()):
        raise BadPayload(f"{member.name!r} does not belong into a Wattledger backup.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("wb") as out:
        shutil.copyfileobj(content, out)


def _compare(manifest: dict[str, Any], folder: Path) -> None:
    if sabotaged("restore_check"):
        return
    for name, expected in manifest["files"].items():
        path = folder / name
        if not path.is_file() or _hash(path) != expected:
            raise BadPayload(f"{name} in the backup is missing or was changed; use another backup.")


async def _check(manifest: dict[str, Any], folder: Path) -> str:
    """Scrub what was unpacked, and compare the ledger's digest.

    The keys are not in a backup: of sealed bodies the manifest vouches for the bytes.
    """
    database = Database(f"sqlite:///{folder / DATABASE}", SystemClock())
    try:
        await migrate(database)
        bodies = Bodies(database, Folder(folder / OBJECTS), Vault({}))
        report = await scrub_parts(database, bodies)
        word = await digest(database)
    finally:
        await database.close()
    if not sabotaged("restore_check") and (report.problems or word != manifest["digest"]):
        first = report.problems[0] if report.problems else "its ledger has another digest."
        raise BadPayload(f"The backup is damaged: {first}")
    return word


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
