"""Which addresses count as leaving this machine in clear text."""

from __future__ import annotations

import pytest

from wattledger.transport import is_loopback, is_plain


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://hub.example", True),
        ("http://192.0.2.1:8787/trigger/smt-now", True),
        ("https://hub.example", False),
        ("http://localhost:8400", False),
        ("http://[::1]:8400", False),
        ("", False),
    ],
)
def test_plain(url: str, plain: bool) -> None:
    assert is_plain(url) is plain
