"""A hub process with every Smart Meter Texas setting still opens no connection towards the utility."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import httpx2

from tests.cli.test_serve import Running
from wattledger.simulators.home import Home
from wattledger.simulators.smt_files import interval_csv

WATCHED = """
import sys
log = open({log!r}, "a", buffering=1)
def hook(event, args):
    if event == "socket.connect":
        print("connect", args[1], file=log)
    elif event == "socket.getaddrinfo":
        print("resolve", args[0], args[1], file=log)
sys.addaudithook(hook)
from wattledger.cli import main
sys.argv = ["wattledger", "serve", "--port", "0"]
main()
"""
SECRETS = {"ADMIN_TOKEN": "an-admin-token-for-tests", "INTELLIWATT_WEBHOOK_SECRET": "a-secret-for-tests-only"}
HEADERS = {
    "x-admin-token": SECRETS["ADMIN_TOKEN"],
    "x-intelliwatt-secret": SECRETS["INTELLIWATT_WEBHOOK_SECRET"],
}
READS = (
    "/api/admin/smt/token",
    "/api/admin/smt/health",
    "/api/admin/debug/smt/raw-files",
    "/api/admin/analysis/daily-summary",
    "/healthz",
    "/readyz",
    "/metrics",
)


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        yield trap


def touched(trap: socket.socket) -> bool:
    """Whether anybody connected to it."""
    try:
        trap.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_a_hub_opens_no_socket_towards_the_utility(tmp_path: Path) -> None:
    log = tmp_path / "sockets.log"
    with listening() as utility, listening() as relay:
        port, relay_port = utility.getsockname()[1], relay.getsockname()[1]
        env = {
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "WATTLEDGER_DATA": str(tmp_path / "data"),
            "SMT_API_BASE_URL": f"http://127.0.0.1:{port}",
            "SMT_PASSWORD": "a-password",
            "SMT_SFTP_HOST": "127.0.0.1",
            "SMT_SFTP_PORT": str(port),
            "SMT_SFTP_USER": "user",
            "DROPLET_WEBHOOK_URL": f"http://127.0.0.1:{relay_port}/trigger/smt-now",
            **SECRETS,
        }
        hub = Running(program=("-c", WATCHED.format(log=str(log))), env=env)
        try:
            base = hub.line(r"Wattledger is at (\S+)\s")[1]
            _use(base)
        finally:
            hub.process.kill()
            hub.process.wait()
        seen = log.read_text()
        assert not touched(utility)
        assert f"'127.0.0.1', {port})" not in seen
        assert "smartmetertexas" not in seen
        assert f"('127.0.0.1', {relay_port})" in seen, "the watch sees what the hub does connect to"
        assert touched(relay)


def _use(base: str) -> None:
    """Read everything that concerns the utility, take a file in, and ask the (mute) relay for work."""
    home = Home()
    body = interval_csv(home, home.days(date(2025, 1, 1), 1))
    file = {"filename": "a.csv", "encoding": "base64", "content_b64": base64.b64encode(body).decode()}
    with httpx2.Client(base_url=base, headers=HEADERS, timeout=5) as client:
        for path in READS:
            client.get(path)
        assert client.post("/api/admin/smt/pull", json=file).status_code == 200
        with suppress(httpx2.TimeoutException):  # the relay never answers; that it was asked is what counts
            client.post("/api/admin/smt/pull", json={"esiid": home.esiid, "meter": "M1"}, timeout=2)
