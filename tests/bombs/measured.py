"""A bomb on its road in a process of its own: how it was refused, processor, memory, disk, what follows."""

from __future__ import annotations

import multiprocessing
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bombs.roads import GOOD, Road, by_file

FORK = multiprocessing.get_context("fork")
PATIENCE = 120.0


@dataclass(frozen=True)
class Measured:
    """What a bomb did. Memory is what the process, or a child of it, grew by."""

    said: str
    cpu_s: float
    rss_mib: float
    disk_mib: float
    good_after_s: float
    good: bool


def blown(road: Road, make: Callable[[int], bytes], size: int, folder: Path) -> Measured:
    """Send it. Raises TimeoutError, or AssertionError where the process did not survive."""
    folder.mkdir()
    (folder / "bomb").write_bytes(make(size))
    ours, theirs = FORK.Pipe()
    child = FORK.Process(target=_alone, args=(theirs, road, folder))
    child.start()
    theirs.close()
    try:
        if not ours.poll(PATIENCE):
            raise TimeoutError(f"nothing came for {PATIENCE:.0f} s")
        return Measured(*ours.recv())
    except EOFError:
        child.join()
        raise AssertionError(f"the process ended with {child.exitcode}") from None
    finally:
        child.kill()
        child.join()


def _alone(pipe: Any, road: Road, folder: Path) -> None:
    import tempfile

    tempfile.tempdir = str(folder)
    disk = _Disk(folder)
    before, begun = _memory(), _cpu()
    body = (folder / "bomb").read_bytes()
    said = road(body, folder)
    grown, spent = _memory() - before, _cpu() - begun
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    if child <= _memory():  # what it was forked from counts as its own until it runs something else
        child = 0.0
    begun_good = time.monotonic()
    good = by_file(GOOD, folder) == ""
    pipe.send((said, spent, max(grown, child), disk.stop(), time.monotonic() - begun_good, good))


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


class _Disk:
    """Looks now and then how much lies in a folder besides the bomb itself; `stop` says the most, in MiB."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._most, self._go_on = folder, 0, True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while self._go_on:
            self._look()
            time.sleep(0.02)

    def _look(self) -> None:
        size = 0
        for path in self._folder.rglob("*"):
            try:
                size += path.stat().st_size if path.name != "bomb" else 0
            except OSError:
                continue
        self._most = max(self._most, size)

    def stop(self) -> float:
        self._go_on = False
        self._look()
        return self._most / 2**20
