"""The folder of large bodies: what `put` returned from is durable, what it refused leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wattledger.errors import TryLater
from wattledger.faults import sabotage
from wattledger.store.archive.objects import Folder

KEY = "payloads/ab/cdef"


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every inode that was synced, in order."""
    found: list[int] = []
    fsync = os.fsync

    def seen(descriptor: int) -> None:
        found.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    return found


def inodes(folder: Folder) -> tuple[int, list[int]]:
    """Of the body, and of the folders on the way to it."""
    path = folder.root / KEY
    return path.stat().st_ino, [p.stat().st_ino for p in (path.parent, path.parent.parent, folder.root)]


async def test_a_body_and_the_folders_on_the_way_to_it_are_synced(tmp_path: Path, synced: list[int]) -> None:
    folder = Folder(tmp_path / "objects")
    await folder.put(KEY, b"body")
    body, folders = inodes(folder)
    assert synced == [body, *folders]


async def test_a_body_that_is_there_is_not_written_but_its_name_is_synced(
    tmp_path: Path, synced: list[int]
) -> None:
    """Who brought it may have been killed between the rename and the sync."""
    folder = Folder(tmp_path / "objects")
    await folder.put(KEY, b"body")
    body, folders = inodes(folder)
    synced.clear()
    await folder.put(KEY, b"body")
    assert (inodes(folder)[0], synced) == (body, folders)


async def test_sabotage_object_sync_is_noticed(tmp_path: Path, synced: list[int]) -> None:
    with sabotage("object_sync"):
        await Folder(tmp_path / "objects").put(KEY, b"body")
    assert synced == []


async def test_a_disk_that_is_full_gets_back_what_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    folder = Folder(tmp_path / "objects")
    with monkeypatch.context() as patch, pytest.raises(TryLater, match="No space"):
        patch.setattr(os, "fsync", refuse)
        await folder.put(KEY, b"body")
    assert [path for path in folder.root.rglob("*") if path.is_file()] == []
    await folder.put(KEY, b"body")
    assert await folder.get(KEY) == b"body"
