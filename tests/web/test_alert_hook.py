"""Which addresses a webhook may have: nothing that reaches into this network, by name, number or redirect."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import pytest

from tests.web.receiver import receiving
from wattledger.errors import Refused, TryLater
from wattledger.faults import sabotage
from wattledger.store.alerts.ways import Hook
from wattledger.web.alerts.hook import Call, allowed, checked, post, signature

CALL = Call({"a": 1}, "x.opened", 1_700_000_000)
PRIVATE = [
    "10.0.0.1", "192.168.1.7", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::",
    "::ffff:169.254.169.254",
]  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
@pytest.mark.parametrize("here", [True, False])
def test_addresses_that_are_not_public(text: str, here: bool) -> None:
    assert not allowed(ipaddress.ip_address(text), here)


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_public_addresses(text: str) -> None:
    assert allowed(ipaddress.ip_address(text), here=False)


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.8.8"])
def test_this_machine_is_only_for_a_hub_of_one_site(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert (allowed(address, here=True), allowed(address, here=False)) == (True, False)


@pytest.mark.parametrize(
    "url",
    [
        "", "nothing", "ftp://example.org/", "file:///etc/passwd", "http://example.org/", "https://",
        "https://user:word@example.org/", "https://10.0.0.1/", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/",
        "https://example.org/#part", "https://example.org:99999/", "javascript:alert(1)", "https://0.0.0.0/",
        "https://[::1", "https://example.org/" + "x" * 600,
    ],
)  # fmt: skip
def test_addresses_that_are_refused_when_they_are_set(url: str) -> None:
    with pytest.raises(Refused):
        checked(url, alone=True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://localhost/x", "https://[::1]/x"])
def test_loopback_by_number_of_sites(url: str) -> None:
    assert checked(url, alone=True) == url
    with pytest.raises(Refused):
        checked(url, alone=False)


def test_a_public_address_is_kept_as_it_is() -> None:
    assert checked(" https://example.org:8443/a?b=c ", alone=False) == "https://example.org:8443/a?b=c"


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def found(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)


async def test_a_name_that_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as receiver:
        hook = Hook(f"https://example.org:{receiver.port}/", "s")
        for addresses in (["127.0.0.1"], ["10.0.0.1"], ["93.184.216.34", "192.168.0.1"], []):
            resolving(monkeypatch, *addresses)
            with pytest.raises(Refused, match="not public"):
                await post(hook, CALL, alone=True)
        assert receiver.calls == []


async def test_sabotage_webhook_host_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "10.255.255.1")
    with sabotage("webhook_host"):
        assert allowed(ipaddress.ip_address("10.255.255.1"), here=False)
    assert not allowed(ipaddress.ip_address("10.255.255.1"), here=False)


async def test_a_redirect_is_not_followed() -> None:
    async with receiving() as receiver:
        receiver.answers = [f"302 There\r\nlocation: {receiver.url}"]
        with pytest.raises(TryLater, match="redirect"):
            await post(Hook(receiver.url, "s"), CALL, alone=True)
        assert len(receiver.calls) == 1


async def test_a_host_that_is_away_and_a_name_without_address() -> None:
    with pytest.raises(TryLater):
        await post(Hook("http://127.0.0.1:9/", "s"), CALL, alone=True)
    with pytest.raises((TryLater, Refused)):
        await post(Hook("https://nowhere.invalid/", "s"), CALL, alone=True)


def test_the_signature_is_as_documented() -> None:
    assert signature("secret", 1_700_000_000, b'{"a":1}') == (
        "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
    )
