"""Who asks, behind a proxy: only a trusted one is believed, and only what it appended."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from httpx2 import ASGITransport, AsyncClient

from tests.web.helpers import ADMIN, BASE, SECRET, FakeClock
from wattledger.config import load_settings
from wattledger.errors import Misconfigured
from wattledger.faults import sabotage
from wattledger.store import Store
from wattledger.web.app import create_app
from wattledger.web.proxy import caller_of

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, 10.2.2.2", "203.0.113.7"),
        ("10.0.0.1", "10.2.2.2", "10.2.2.2"),
        ("10.0.0.1", "6.6.6.6, junk, 10.2.2.2", "10.2.2.2"),
        ("10.0.0.1", "junk", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
        ("unknown", "1.2.3.4", "unknown"),
    ],
)
def test_the_rightmost_untrusted_address_counts(peer: str, forwarded: str, caller: str) -> None:
    assert caller_of(peer, forwarded, TRUSTED) == caller


def test_sabotage_trusted_proxy_is_noticed() -> None:
    with sabotage("trusted_proxy"):
        assert caller_of("203.0.113.9", "1.2.3.4", TRUSTED) != "203.0.113.9"


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="WATTLEDGER_TRUSTED_PROXY"):
        load_settings(tmp_path, {"WATTLEDGER_TRUSTED_PROXY": "everyone"})


@pytest.mark.parametrize(("proxy", "refused"), [("127.0.0.1, ::1", False), ("", True)])
async def test_callers_behind_a_proxy_have_tries_of_their_own(
    store: Store, tmp_path: Path, clock: FakeClock, proxy: str, refused: bool
) -> None:
    settings = load_settings(
        tmp_path, {"WATTLEDGER_TRUSTED_PROXY": proxy}, admin_token=ADMIN, webhook_secret=SECRET
    )
    app = create_app(store, settings, clock=clock)
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
        codes = [
            (
                await client.post(
                    "/auth/link", json={"token": "x"}, headers={"x-forwarded-for": f"203.0.113.{n}"}
                )
            ).status_code
            for n in range(40)
        ]
    assert (429 in codes) is refused
