"""Durable writes: synced before renamed, the folder synced after, nothing half under a final name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wattledger import faults
from wattledger.faults import sabotage
from wattledger.relay.durable import create, durable_write, write_all
from wattledger.relay.ledger import Ledger

Calls = list[tuple[str, int]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every fsync and rename in order, by inode."""
    found: Calls = []
    fsync, rename = os.fsync, Path.rename

    def seen_fsync(descriptor: int) -> None:
        found.append(("fsync", os.fstat(descriptor).st_ino))
        fsync(descriptor)

    def seen_rename(self: Path, target: Any) -> Path:
        found.append(("rename", self.stat().st_ino))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "rename", seen_rename)
    return found


def whole_after_a_power_cut(calls: Calls, folder: Path) -> bool:
    """Each renamed file was synced before its rename, and its folder after it."""
    at = folder.stat().st_ino
    for index, (what, inode) in enumerate(calls):
        before = ("fsync", inode) in calls[:index]
        after = ("fsync", at) in calls[index:]
        if what == "rename" and not (before and after):
            return False
    return any(what == "rename" for what, _ in calls)


def test_a_file_is_synced_before_and_its_folder_after_the_rename(tmp_path: Path, calls: Calls) -> None:
    durable_write(tmp_path / "a", b"body")
    assert (tmp_path / "a").read_bytes() == b"body" and whole_after_a_power_cut(calls, tmp_path)


def test_several_files_share_one_folder_sync(tmp_path: Path, calls: Calls) -> None:
    write_all([(tmp_path / str(n), b"%d" % n) for n in range(5)])
    assert whole_after_a_power_cut(calls, tmp_path)
    assert calls.count(("fsync", tmp_path.stat().st_ino)) == 1


@pytest.mark.parametrize("off", ["fsync", "folder_sync"])
def test_sabotage_fsync_is_noticed(tmp_path: Path, calls: Calls, off: str) -> None:
    with sabotage(off):
        durable_write(tmp_path / "a", b"body")
    assert not whole_after_a_power_cut(calls, tmp_path)


@pytest.mark.parametrize("point", ["spool.before_fsync", "spool.before_rename"])
def test_a_failure_before_the_rename_leaves_no_name(tmp_path: Path, point: str) -> None:
    faults.arm(point, _raise(OSError(5, "Input/output error")))
    try:
        with pytest.raises(OSError, match="Input/output"):
            durable_write(tmp_path / "a", b"body")
    finally:
        faults.disarm()
    assert not (tmp_path / "a").exists()
    durable_write(tmp_path / "a", b"again")
    assert (tmp_path / "a").read_bytes() == b"again"


def test_a_new_file_is_private_and_follows_no_link(tmp_path: Path) -> None:
    os.close(create(tmp_path / "a"))
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="exists"):
        create(tmp_path / "link")


def test_a_ledger_survives_a_torn_line_and_sees_other_processes(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path / "l"), Ledger(tmp_path / "l")
    first.add(["a" * 32])
    with (tmp_path / "l").open("ab") as file:
        file.write(b"b" * 20)
    second.load()
    second.add(["c" * 32])
    first.load()
    assert "a" * 32 in second and "c" * 32 in first and "b" * 20 not in first


def _raise(error: Exception) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action
