"""The only way a file comes into being in the spool: whole under its name after a power cut, or absent."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from wattledger.faults import fault, sabotaged

AT_ONCE = 16
SUFFIX = ".tmp"


def durable_write(path: Path, body: bytes) -> None:
    """Writes a small file so that it is whole or absent. Raises OSError; then nothing has the name."""
    write_all([(path, body)])


def write_all(files: Sequence[tuple[Path, bytes]]) -> None:
    """Writes several files, each whole or absent, with one sync per folder at the end."""
    settle_all([(_write_aside(path, body), path) for path, body in files])


def settle_all(moves: Sequence[tuple[Path, Path]]) -> None:
    """Makes written files (part, final name) durable under their final names."""
    fault("spool.before_fsync")
    _sync_each([part for part, _ in moves])
    fault("spool.before_rename")
    for part, final in moves:
        part.rename(final)
    fault("spool.after_rename")
    sync_folders(final for _, final in moves)


def _sync_each(paths: Sequence[Path]) -> None:
    """Several at once: the file system writes their journal entries together."""
    if len(paths) == 1:
        sync(paths[0])
    elif paths:
        with ThreadPoolExecutor(min(AT_ONCE, len(paths))) as pool:
            list(pool.map(sync, paths))


def sync_folders(paths: Iterable[Path]) -> None:
    """Makes names that appeared or vanished durable."""
    if sabotaged("folder_sync"):
        return
    for folder in {path.parent for path in paths}:
        sync(folder)


def sync(path: Path) -> None:
    """fsync of a file or folder. A failure is never retried on the same descriptor: it raises OSError."""
    if sabotaged("fsync"):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create(path: Path) -> int:
    """A descriptor of a new private file; never follows a link, never opens an existing file."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)


def append(path: Path, body: bytes) -> None:
    """Appends and syncs; a torn last line is for the reader to skip."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, body)
        if not sabotaged("fsync"):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_aside(path: Path, body: bytes) -> Path:
    part = path.with_name(path.name + SUFFIX)
    part.unlink(missing_ok=True)
    descriptor = create(part)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return part
