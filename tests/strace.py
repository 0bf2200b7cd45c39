"""strace beside a child of ours: killed, or told an error, at the N-th call of a kind on files that matter.

strace counts for each thread and each kind of call. So a child does all its work on files in one thread
(`at_once`), a process that it starts aside, and a sweep goes through one kind after the other: then N means
one moment, and every moment that a run passes has an N.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILES = (
    "openat,write,pwrite64,writev,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,"
    "link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir"
)
SPOKEN = ("sendto", "sendmsg", "recvfrom", "recvmsg")
SOCKETS = ",".join([*SPOKEN, "fsync,rename,unlink,mkdir"])
"""where the files cannot be told: of sockets, and what nobody else does with files"""
_SET_PTRACER, _ANY = 0x59616D61, ctypes.c_ulong(-1)
_PATIENCE = 60.0
_READY = "wl-waits"


@dataclass(frozen=True, slots=True)
class Step:
    """The `number`-th call of that kind, counted from 1."""

    call: str
    number: int

    @property
    def errors(self) -> tuple[str, str]:
        """What such a call may say when its disk is full or fails, or its connection is cut."""
        return ("ECONNRESET", "ETIMEDOUT") if self.call in SPOKEN else ("EIO", "ENOSPC")

    def __str__(self) -> str:
        return f"{self.call} {self.number}"


@cache
def missing() -> str | None:
    """Why nothing can be traced here; None where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"strace may not trace here: {tried.stderr.strip()[-100:]}" if tried.returncode else None


class AtOnce(ThreadPoolExecutor):
    """Stands in for a pool of threads; does the work when it is handed in, in the same thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done


def at_once() -> None:
    """In the child, within its loop: whatever is given to threads is done here."""
    asyncio.get_running_loop().set_default_executor(AtOnce(1))


def wait_for_strace() -> None:
    """In the child's first thread: allow it, say so by our name, and wait until it is there."""
    ctypes.CDLL(None).prctl(_SET_PTRACER, _ANY, 0, 0, 0)
    Path("/proc/self/comm").write_text(_READY)
    deadline = time.monotonic() + _PATIENCE
    while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
        if time.monotonic() > deadline:
            os._exit(99)
        time.sleep(0.001)


@contextmanager
def beside(pid: int, calls: str, log: Path, paths: Collection[str] = (), inject: str = "") -> Iterator[None]:
    """Trace a process that waits for it, and its children, until the end of the `with` block."""
    deadline = time.monotonic() + _PATIENCE
    while Path(f"/proc/{pid}/comm").read_text().strip() != _READY:
        assert time.monotonic() < deadline, "the child did not get so far as to wait for strace"
        time.sleep(0.001)
    words = ["strace", "-f", "-y", "-qq", "-s", "0", "-o", str(log), "-e", f"trace={calls}"]
    words += [word for path in paths for word in ("-P", path)]
    words += ["-e", f"inject={inject}"] if inject else []
    tracer = subprocess.Popen([*words, "-p", str(pid)], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        tracer.terminate()
        tracer.wait(_PATIENCE)


def kill(step: Step) -> str:
    """Ends the child just before this call."""
    return f"{step.call}:signal=KILL:when={step.number}"


def fail(step: Step, error: str) -> str:
    """This call does nothing but say an error, once."""
    return f"{step.call}:error={error}:when={step.number}"


def touched(log: Path, roots: Sequence[Path]) -> list[str]:
    """Every path that a traced run called by name or by descriptor and that lies below these."""
    starts = "|".join(re.escape(str(root)) for root in roots)
    found = re.findall(rf'["<]((?:{starts})[^">]*)[">]', log.read_text(errors="replace"))
    return sorted({path.removesuffix(" (deleted)") for path in found} | set(map(str, roots)))


def steps(log: Path) -> list[Step]:
    """Every call of a traced run's busiest thread, kind by kind."""
    lines = log.read_text(errors="replace").splitlines()
    found = (re.match(r"(\d+)\s+(\w+)\(", line) for line in lines)
    counts = Counter((one[2], one[1]) for one in found if one)
    kinds: dict[str, int] = {}
    for (call, _), count in counts.items():
        kinds[call] = max(count, kinds.get(call, 0))
    return [Step(call, n) for call, count in sorted(kinds.items()) for n in range(1, count + 1)]


def swept(kinds: Collection[str], killed: Callable[[Step], bool]) -> int:
    """Go through each kind with N = 1, 2, ... until a run ends by itself. How many were killed."""
    kills = 0
    for call in sorted(kinds):
        number = 1
        while killed(Step(call, number)):
            number += 1
        kills += number - 1
    return kills
