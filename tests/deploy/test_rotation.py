"""Every header secret is changed while hub and relay run: no request between them is refused."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.cli.conftest import child
from tests.cli.test_serve import Running

NAMES = ("ADMIN_TOKEN", "INTELLIWATT_WEBHOOK_SECRET", "DROPLET_WEBHOOK_SECRET")
OLD = {name: f"the-old-{name.lower()}-of-tests" for name in NAMES}
NEW = {name: f"the-new-{name.lower()}-of-tests" for name in NAMES}


def both(first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    """`first` is sent and accepted, `second` is accepted too."""
    return {**first, **{f"{name}_NEXT": value for name, value in second.items()}}


class Pair:
    """A hub and a relay as processes on fixed ports."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.hub_port, self.relay_port = _free(), _free()
        self.running: dict[str, Running] = {}
        self._numbers = itertools.count(1)

    def start(self, part: str, secrets: dict[str, str]) -> None:
        """Start hub or relay, or start it anew with other secrets."""
        if part in self.running:
            assert self.running[part].stop() == 0
        words = ["serve", "--port", self.hub_port] if part == "hub" else ["relay", "--no-timer"]
        ready = "Wattledger is at" if part == "hub" else None
        self.running[part] = Running(*words, env={**self._environ(part), **secrets})
        self._stack.callback(_end, self.running[part])
        if ready:
            self.running[part].line(ready)
        self._answers(f"http://127.0.0.1:{self.relay_port}/health" if not ready else None)

    def _environ(self, part: str) -> dict[str, str]:
        return {
            "HOME": str(self._folder),
            "PATH": os.environ["PATH"],
            "WATTLEDGER_DATA": str(self._folder / part),
            "INTELLIWATT_BASE_URL": f"http://127.0.0.1:{self.hub_port}",
            "DROPLET_WEBHOOK_URL": f"http://127.0.0.1:{self.relay_port}/trigger/smt-now",
            "WATTLEDGER_RELAY_PORT": str(self.relay_port),
        }

    def _answers(self, address: str | None) -> None:
        transport = httpx2.HTTPTransport(retries=8)
        if address:
            with httpx2.Client(transport=transport) as client:
                assert client.get(address).status_code == 200

    def delivers(self, secret: str, text: str) -> dict[str, object]:
        """Send a file through the relay to the hub; the relay's line."""
        address = f"http://127.0.0.1:{self.relay_port}/canary"
        headers = {"x-intelliwatt-secret": secret}
        line: dict[str, object] = httpx2.post(
            address, headers=headers, json={"text": text}, timeout=60
        ).json()
        return line

    def triggers(self, secrets: dict[str, str]) -> httpx2.Response:
        """Have the hub ask the relay for a cycle."""
        headers = {
            "x-admin-token": secrets["ADMIN_TOKEN"],
            "x-intelliwatt-secret": secrets["INTELLIWATT_WEBHOOK_SECRET"],
        }
        address = f"http://127.0.0.1:{self.hub_port}/api/admin/smt/pull"
        return httpx2.post(address, headers=headers, json={"reason": "admin_refresh"}, timeout=60)

    def check(self, secrets: dict[str, str]) -> None:
        """Both roads between hub and relay are open, and the one into the hub."""
        line = self.delivers(secrets["DROPLET_WEBHOOK_SECRET"], f"canary {next(self._numbers)}")
        assert line.get("sent") == 1, repr(line)
        answer = self.triggers(secrets)
        assert answer.status_code == 200, answer.text


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _end(process: Running) -> None:
    if process.process.poll() is None:
        process.process.kill()
    process.process.wait()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(tmp_path, stack)


@pytest.mark.parametrize("order", [("hub", "relay"), pytest.param(("relay", "hub"), marks=pytest.mark.soak)])
def test_rotating_refuses_nothing(pair: Pair, order: tuple[str, str]) -> None:
    """First the new value is accepted everywhere, then it is sent, then the old one is forgotten."""
    for part in order:
        pair.start(part, OLD)
    pair.check(OLD)
    for phase, known in ((both(OLD, NEW), OLD), (both(NEW, OLD), OLD), (NEW, NEW)):
        for part in order:
            pair.start(part, phase)
            pair.check(known)
    assert child("keys", "rotate", env=pair._environ("hub")).returncode == 0
    pair.check(NEW)
    assert pair.triggers(OLD).status_code == 401
    assert pair.delivers(OLD["DROPLET_WEBHOOK_SECRET"], "x")["error"] == "unauthorized"


def test_without_the_first_step_a_delivery_is_refused(pair: Pair) -> None:
    """What the test above would see."""
    pair.start("hub", NEW)
    pair.start("relay", OLD)
    line = pair.delivers(OLD["DROPLET_WEBHOOK_SECRET"], "x")
    assert not line["sent"] and "refuses this relay" in repr(line)
