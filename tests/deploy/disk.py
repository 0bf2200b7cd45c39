"""A disk whose power is cut: ext4 on a file by way of a loop device. Needs root.

What a process wrote lies in the memory of the file system until it is synced or written back; only what the
file system sent to the device is in the file. So a copy of the file, made while the writers stand still, is
the disk as it was found after the power went: its journal is replayed when it is mounted. The copy counts
only where the device was idle meanwhile.

The file system is told to write back late, so that a sync that is missing shows.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

MEBIBYTE = 1 << 20
_TRIES = 200


@cache
def missing() -> str | None:
    """Why there can be no such disk here; None where there can."""
    if os.geteuid() != 0:
        return "only root may mount a disk of its own"
    if tools := [name for name in ("losetup", "mkfs.ext4", "mount", "umount") if _tool(name) is None]:
        return f"no {', '.join(tools)}"
    try:
        with disk(8):
            return None
    except subprocess.CalledProcessError as error:
        return f"this machine gives no loop device: {error.stderr!r}"


class Disk:
    """One disk, mounted at `place`."""

    def __init__(self, folder: Path, image: Path) -> None:
        self._folder, self._image = folder, image
        self.place = folder / "place"

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """The disk's files for the length of a `with` block; whatever happens, nothing stays mounted."""
        self.place.mkdir(exist_ok=True)
        with ExitStack() as stack:
            self._device = _run("losetup", "--find", "--show", str(self._image)).strip()
            stack.callback(_run, "losetup", "--detach", self._device)
            _run("mount", "-t", "ext4", "-o", "commit=60", self._device, str(self.place))
            stack.callback(_unmount, self.place)
            yield self.place

    @contextmanager
    def cut(self, writers: Collection[int]) -> Iterator[Path]:
        """Cut the power while these stand still, which they do to the end; the files as they are found."""
        with tempfile.TemporaryDirectory(prefix="cut-", dir=self._folder) as name:
            Path(name).chmod(0o711)
            copy = Disk(Path(name), Path(name) / "image")
            with stopped(writers):
                self._copy(copy._image)
                with copy.mounted() as place:
                    yield place

    def _copy(self, to: Path) -> None:
        """Raises AssertionError where the device never rests."""
        for _ in range(_TRIES):
            before = self._written()
            _run("cp", "--sparse=always", str(self._image), str(to))
            if before == self._written() and before[1] == "0":
                return
            time.sleep(0.01)
        raise AssertionError("the device did not rest for the length of a copy")

    def _written(self) -> tuple[str, str]:
        """How many writes the device has done, and how many requests are under way."""
        numbers = Path(f"/sys/block/{Path(self._device).name}/stat").read_text().split()
        return numbers[4], numbers[8]


@contextmanager
def disk(mebibytes: int) -> Iterator[Disk]:
    """An empty disk, mounted; unmounted, detached and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="wl-disk-", dir=_memory(mebibytes)))
    folder.chmod(0o711)
    try:
        image = folder / "image"
        with image.open("wb") as file:
            file.truncate(mebibytes * MEBIBYTE)
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
        made = Disk(folder, image)
        with made.mounted():
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def stopped(pids: Collection[int]) -> Iterator[None]:
    """Processes that stand still, all of them, for the length of a `with` block."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        for pid in pids:
            _until_still(pid)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _until_still(pid: int) -> None:
    deadline = time.monotonic() + 30
    while any(_state(task) not in "TtZX" for task in Path(f"/proc/{pid}/task").glob("*/stat")):
        assert time.monotonic() < deadline, f"process {pid} does not stop"
        time.sleep(0.001)


def _state(stat: Path) -> str:
    try:
        return stat.read_text().rpartition(") ")[2][0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def _memory(mebibytes: int) -> str:
    """Where the file lies: in memory where there is room, as the device's syncs are for nothing here."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 6 * mebibytes * MEBIBYTE
    return str(memory) if roomy else tempfile.gettempdir()


def _unmount(place: Path) -> None:
    for _ in range(_TRIES):
        if subprocess.run(["umount", str(place)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.05)
    _run("umount", "--lazy", str(place))


def _run(*words: str) -> str:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={"PATH": path})
    return done.stdout


def _tool(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
