"""A small disk of one's own, and how it is filled. Only root may mount one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def mounted(place: Path, size: str) -> Iterator[bool]:
    """A new folder, with a disk in memory of that size (`24m`) on it; False where that may not be."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def filled(folder: Path) -> Path:
    """Take all that is left on a disk; the file to remove so that there is room again."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(1 << 20))
    with ballast.open("ab", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(512))
    return ballast
