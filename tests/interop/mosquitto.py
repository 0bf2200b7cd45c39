"""A real MQTT broker of its own for a test: Debian's mosquitto; tests skip where it is not installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest


def program() -> str:
    """Where mosquitto is; skips the test without."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed (Debian, Ubuntu: apt install mosquitto)")
    return found


class Mosquitto:
    """One broker without a memory on disk: whoever restarts it finds it empty."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self._program = program()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._config = folder / f"mosquitto-{self.port}.conf"
        rules = lines or ("allow_anonymous true",)
        self._config.write_text("\n".join([f"listener {self.port} 127.0.0.1", "user root", *rules, ""]))
        self._log = folder / f"mosquitto-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it listens."""
        with self._log.open("ab") as log:
            command = (self._program, "-v", "-c", str(self._config))
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(self.log())

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """All that it said."""
        return self._log.read_text()
