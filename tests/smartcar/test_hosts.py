"""Which hosts a connection's client may reach, and what the operator's settings give to every connection."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattledger.cli.collector import clients
from wattledger.cli.vendor_apps import apps_of, ending
from wattledger.cli.vendor_urls import addresses
from wattledger.config import load_settings
from wattledger.connectors.base import Connection, Token
from wattledger.connectors.http import exchange, open_client
from wattledger.errors import Misconfigured
from wattledger.simulators.smartcar import SmartcarSimulator

HOSTS = {
    ("v2", False): ("https://auth.smartcar.com",),
    ("v2", True): ("https://api.smartcar.com",),
    ("v3", False): ("https://iam.smartcar.com",),
    ("v3", True): ("https://vehicle.api.smartcar.com", "https://management.api.smartcar.com"),
}


def connection(api: str, **options: str) -> Connection:
    return Connection("c", "s", "smartcar", {"api": api, **options})


@pytest.mark.parametrize(("about", "hosts"), HOSTS.items())
def test_where_each_generation_lives(tmp_path: Path, about: tuple[str, bool], hosts: tuple[str, ...]) -> None:
    settings, (api, signed_in) = load_settings(tmp_path, {}), about
    assert addresses(settings, connection(api), signed_in=signed_in) == hosts
    named = addresses(settings, connection(api, base_url="http://127.0.0.1:1"), signed_in=signed_in)
    assert named == ("http://127.0.0.1:1", *hosts[1:])


def test_other_vendors_have_one_address(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {"SMARTTHINGS_BASE_URL": "https://st.example"})
    for signed_in in (False, True):
        found = addresses(settings, Connection("c", "s", "smartthings", {}), signed_in=signed_in)
        assert found == ("https://st.example",)


def test_the_operators_application(tmp_path: Path) -> None:
    nothing = apps_of(load_settings(tmp_path, {}))["smartcar"]
    assert dict(nothing.secrets) == {}
    assert nothing.options["monthly_calls"] == 500
    own = {
        "SMARTCAR_CLIENT_ID": " an-id ",
        "SMARTCAR_CLIENT_SECRET": "a-long-enough-secret",
        "SMARTCAR_API_CLIENT_ID": "client_1",
        "SMARTCAR_API_CLIENT_SECRET": "another-long-secret",
        "SMARTCAR_WEBHOOK_ID": "hook",
        "SMARTCAR_MONTHLY_CALLS": "900",
    }
    found = apps_of(load_settings(tmp_path, own))["smartcar"]
    assert found.secrets == {
        "client_id": "an-id",
        "client_secret": "a-long-enough-secret",
        "api_client_id": "client_1",
        "api_client_secret": "another-long-secret",
    }
    assert found.options["webhook_id"] == "hook"
    assert found.options["monthly_calls"] == 900
    assert "long-enough" not in repr(found)


@pytest.mark.parametrize(("api", "said"), [("v2", True), ("v3", False)])
def test_the_end_of_v2_is_said(vendor: SmartcarSimulator, tmp_path: Path, api: str, said: bool) -> None:
    notice = ending(load_settings(tmp_path, vendor.environment(api)))
    assert bool(notice) is said
    assert notice is None or "SMARTCAR_API_CLIENT_ID" in notice
    assert ending(load_settings(tmp_path, {})) is None


async def test_one_client_reaches_named_hosts_and_no_other(vendor: SmartcarSimulator, tmp_path: Path) -> None:
    async with open_client("http://127.0.0.1:9", also=[vendor.url]) as http:
        answer = await exchange(http, "GET", f"{vendor.url}/v3/webhooks")
        assert answer.status == 401
        with pytest.raises(Misconfigured):
            await exchange(http, "GET", "http://127.0.0.2:9/")
    with pytest.raises(Misconfigured):
        open_client(vendor.url, also=["ftp://127.0.0.1"])


async def test_a_token_goes_along_only_where_one_is_given(vendor: SmartcarSimulator, tmp_path: Path) -> None:
    made = clients(load_settings(tmp_path, vendor.environment("v3")))
    async with made(connection("v3"), None) as http:
        assert "authorization" not in http.headers
    async with made(connection("v3"), Token("the-token", vendor.clock.now())) as http:
        assert http.headers["authorization"] == "Bearer the-token"
