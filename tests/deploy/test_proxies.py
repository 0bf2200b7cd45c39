"""The proxies' examples as they stand, but for ports and certificates: pages and files come through."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.cli.test_serve import Running
from tests.paths import ROOT

ADMIN = "an-admin-token-of-tests"
SITES = {"root": ("energy.example.org", ""), "path": ("home.example.org", "/energy")}


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate; it is not here")
    words: list[str | Path] = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=test",
    ]
    files: list[str | Path] = ["-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem"]
    subprocess.run([*words, *files], check=True, capture_output=True)
    return tmp_path


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str, int]]:
    """(host, path, port) of a hub that believes the proxy."""
    host, path = SITES[request.param]
    environ = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "WATTLEDGER_DATA": str(tmp_path / "data"),
        "WATTLEDGER_BASE_URL": f"https://{host}{path}",
        "WATTLEDGER_TRUSTED_PROXY": "127.0.0.1",
        "ADMIN_TOKEN": ADMIN,
    }
    port = free()
    running = Running("serve", "--port", port, env=environ)
    try:
        running.line("Wattledger is at")
        yield host, path, port
    finally:
        running.process.kill()
        running.process.wait()


def nginx(folder: Path, port: int, tls: int) -> list[str | Path]:
    text = (ROOT / "deploy/nginx.conf").read_text()
    text = text.replace("127.0.0.1:8400", f"127.0.0.1:{port}").replace(
        "listen 443", f"listen 127.0.0.1:{tls}"
    )
    text = text.replace("listen 80", f"listen 127.0.0.1:{free()}").replace("/etc/ssl/wattledger", str(folder))
    whole = f"pid {folder}/pid; daemon off; events {{}} http {{ access_log off; {text} }}"
    (folder / "nginx.conf").write_text(whole)
    return ["nginx", "-e", "stderr", "-c", folder / "nginx.conf"]


def caddy(folder: Path, port: int, tls: int) -> list[str | Path]:
    text = (ROOT / "deploy/Caddyfile").read_text().replace("127.0.0.1:8400", f"127.0.0.1:{port}")
    given = f"\n\ttls {folder}/fullchain.pem {folder}/privkey.pem"
    text = re.sub(r"^(\S+\.example\.org) \{", rf"\1:{tls} {{{given}", text, flags=re.M)
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]


PROXIES = {"nginx": nginx, "caddy": caddy}


@pytest.mark.parametrize(
    ("hub", "proxy"),
    [
        ("root", "nginx"),
        ("path", "caddy"),
        pytest.param("path", "nginx", marks=pytest.mark.soak),
        pytest.param("root", "caddy", marks=pytest.mark.soak),
    ],
    indirect=["hub"],
)
def test_pages_and_files_come_through(proxy: str, hub: tuple[str, str, int], certificate: Path) -> None:
    if shutil.which(proxy) is None:
        pytest.skip(f"{proxy} is not here")
    host, path, port = hub
    tls = free()
    own = {"PATH": os.environ["PATH"], "HOME": str(certificate)}
    process = subprocess.Popen(PROXIES[proxy](certificate, port, tls), env=own)
    try:
        _look(Browser(tls, host), path)
    finally:
        process.terminate()
        process.wait(20)


class Browser:
    """Finds `host` at a port of this machine."""

    def __init__(self, tls: int, host: str) -> None:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        self._named = {"sni_hostname": host}
        base = f"https://127.0.0.1:{tls}"
        self._client = httpx2.Client(base_url=base, headers={"host": host}, verify=trusting, timeout=20)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self._client.get(path, headers=headers, extensions=self._named)

    def wait(self, path: str) -> None:
        """Until the proxy answers."""
        deadline = time.monotonic() + 20
        while True:
            try:
                assert self.get(path).json() == {"ok": True}
                return
            except httpx2.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.1)


def _look(browser: Browser, path: str) -> None:
    browser.wait(f"{path}/healthz")
    page = browser.get(f"{path}/signin", accept="text/html")
    assert page.status_code == 200 and f'"{path}/static/' in page.text
    assert browser.get(f"{path}/static/css/tokens.css").status_code == 200
    assert browser.get(f"{path}/").headers["location"].startswith(f"{path}/")
    ping = browser.get(f"{path}/api/admin/smt/ping", **{"x-admin-token": ADMIN})
    assert ping.status_code == 200
    if path:
        assert browser.get(path).headers["location"].endswith(f"{path}/")
        assert browser.get("/other").status_code == 404
