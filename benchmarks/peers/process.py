"""A server of another product: started on a free port of loopback, spoken to by HTTP, ended by us."""

from __future__ import annotations

import ctypes
import http.client
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.peers.protocol import Absent

_PARENT_DIES = 1
_PATIENCE = 60.0


def program(name: str, package: str) -> str:
    """Where it is. Raises Absent."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/bin")
    if found is None:
        raise Absent(f"{name} not found (Debian: apt install {package})")
    return found


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """One process, its port and one kept connection."""

    def __init__(self, words: Sequence[str], port: int, folder: Path, more: Mapping[str, str]) -> None:
        self.log = folder / "log"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                words,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=dict(more),
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call of the C library
            )

    def wait(self, path: str) -> None:
        """Until it answers there. Raises RuntimeError with the end of its log."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self.ask("GET", path)
            except (OSError, http.client.HTTPException):
                self._connection.close()
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.log.read_text(errors="replace")[-500:]) from None
                time.sleep(0.05)
            else:
                return

    def ask(self, method: str, path: str, body: bytes | None = None, **query: str | int) -> bytes:
        """The answer's body. Raises RuntimeError for any but a good status."""
        target = f"{path}?{urlencode(query)}" if query else path
        self._connection.request(method, target, body)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {target}: {answer.status} {text[:300]!r}")
        return text

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._connection.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGKILL)
