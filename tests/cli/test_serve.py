"""`wattledger serve` and `work` as processes: first start, second start, stopping, what they refuse."""

from __future__ import annotations

import os
import queue
import re
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.cli.conftest import child
from wattledger.cli.serve import plain_http_warnings
from wattledger.config import load_settings

SECONDS = 30.0


class Running:
    """A command that goes on; `line(pattern)` waits for a line of its output that has it."""

    def __init__(
        self, *words: object, env: dict[str, str], program: tuple[str, ...] = ("-m", "wattledger")
    ) -> None:
        command = [sys.executable, "-u", *program, *map(str, words)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
        )
        self.seen: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._pump, daemon=True).start()

    def _pump(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def line(self, pattern: str, seconds: float = SECONDS) -> re.Match[str]:
        """The first coming line that has `pattern`."""
        while (line := self._lines.get(timeout=seconds)) is not None:
            self.seen.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"it ended before a line had {pattern!r}: {''.join(self.seen)}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@contextmanager
def running(*words: object, env: dict[str, str]) -> Iterator[Running]:
    command = Running(*words, env=env)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.process.kill()
            command.process.wait()


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "WATTLEDGER_DATA": str(tmp_path / "data")}


def test_first_start_then_second_start(env: dict[str, str], tmp_path: Path) -> None:
    with running("serve", "--port", 0, env=env) as hub:
        assert hub.line("key file (.*);")[1] == str(tmp_path / "data" / "keys")
        assert stat.S_IMODE((tmp_path / "data" / "keys").stat().st_mode) == 0o600
        link = hub.line(r"http://127\.0\.0\.1:\d+/setup\?token=\S+")[0]
        base = link.partition("/setup")[0]
        assert httpx2.get(f"{base}/healthz").status_code == 200
        assert httpx2.get(f"{base}/readyz").status_code == 200
        assert httpx2.get(link).status_code == 200
        assert hub.stop() == 0
    assert child("user", "add", "me@example.org", env=env).returncode == 0
    with running("serve", "--port", 0, env=env) as hub:
        hub.line("Wattledger is at")
        assert hub.stop(signal.SIGINT) == 0
        assert not any("setup" in line for line in hub.seen)


def test_a_taken_port_is_refused_by_name(env: dict[str, str]) -> None:
    with running("serve", "--port", 0, env=env) as hub:
        port = hub.line(r"Wattledger is at http://127\.0\.0\.1:(\d+)")[1]
        other = child("serve", "--port", port, env={**env, "WATTLEDGER_DATA": env["HOME"]})
    assert other.returncode == 78
    assert port in other.stderr.splitlines()[-1]


def test_listening_to_all_without_tls_warns(env: dict[str, str]) -> None:
    with running("serve", "--host", "0.0.0.0", "--port", 0, env=env) as hub:
        hub.line("Warning: the hub listens on 0.0.0.0 without TLS")


@pytest.mark.parametrize(
    ("variables", "host", "names"),
    [
        ({}, "127.0.0.1", []),
        ({}, "localhost", []),
        ({}, "10.0.0.5", ["10.0.0.5"]),
        ({"WATTLEDGER_BASE_URL": "https://energy.example"}, "10.0.0.5", []),
        ({"DROPLET_WEBHOOK_URL": "http://192.0.2.1:8787/trigger/smt-now"}, "::1", ["DROPLET_WEBHOOK_URL"]),
        ({"DROPLET_WEBHOOK_URL": "https://192.0.2.1:8787/trigger/smt-now"}, "::1", []),
        ({"INTELLIWATT_BASE_URL": "http://127.0.0.1:8400"}, "::1", []),
        ({"INTELLIWATT_BASE_URL": "http://hub.example"}, "::1", ["INTELLIWATT_BASE_URL"]),
    ],
)
def test_plain_http_warnings(variables: dict[str, str], host: str, names: list[str], tmp_path: Path) -> None:
    found = plain_http_warnings(load_settings(tmp_path, variables), host)
    assert len(found) == len(names)
    assert all(name in text for name, text in zip(names, found, strict=True))


def test_work_refuses_sqlite(env: dict[str, str]) -> None:
    done = child("work", env=env)
    assert done.returncode == 78
    assert "PostgreSQL" in done.stderr
    assert done.stderr.count("\n") == 1


def test_with_relay_needs_its_secrets(env: dict[str, str]) -> None:
    done = child("serve", "--port", 0, "--with-relay", env=env)
    assert done.returncode == 78
    assert "ADMIN_TOKEN" in done.stderr
