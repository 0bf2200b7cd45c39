"""A backup as a file: a tar of members and, last, the manifest with the digest of each."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wattledger.errors import BadPayload
from wattledger.faults import sabotaged

MANIFEST = "manifest.json"
VERSION = 1


class Writer:
    """Adds members and remembers their digests."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._files: dict[str, str] = {}

    def file(self, path: Path, name: str) -> None:
        """A file, streamed."""
        self._files[name] = digest_of(path)
        self._archive.add(path, name)

    def content(self, content: bytes, name: str) -> None:
        """Some bytes."""
        self._files[name] = hashlib.sha256(content).hexdigest()
        _add(self._archive, name, content)

    def end(self, manifest: dict[str, Any]) -> None:
        """The manifest; nothing comes after it."""
        whole = {"version": VERSION, **manifest, "files": self._files}
        _add(self._archive, MANIFEST, json.dumps(whole, indent=1).encode())


@contextmanager
def writing(target: Path) -> Iterator[Writer]:
    """An archive under another name, then synced and renamed: it is whole or not there."""
    part = target.with_name(f".{target.name}.part")
    try:
        with tarfile.open(part, "w") as archive:
            yield Writer(archive)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def unpack(archive: Path, folder: Path) -> dict[str, Any]:
    """Lay the members into a folder and compare them with the manifest, which is returned.

    Raises BadPayload where anything is not as it was written.
    """
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                _extract(opened, member, folder)
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    except (tarfile.TarError, OSError, ValueError) as error:
        raise BadPayload(f"{archive} is no complete Wattledger backup ({type(error).__name__}).") from error
    if manifest.get("version") != VERSION:
        raise BadPayload(f"{archive} was written by another version of Wattledger.")
    _compare(manifest, folder)
    return manifest


def digest_of(path: Path) -> str:
    """sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


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
        if not path.is_file() or digest_of(path) != expected:
            raise BadPayload(f"{name} in the backup is missing or was changed; use another backup.")
