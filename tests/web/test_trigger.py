"""The hub's POST to the relay, over a real socket: its header, its failures, no redirect followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.web.helpers import SECRET
from wattledger.config import load_settings
from wattledger.web.trigger import TriggerFailed, to_relay

WISH = {"reason": "admin_triggered", "esiid": "10443720000000001"}


@asynccontextmanager
async def relay(answer: bytes, seen: list[bytes]) -> AsyncIterator[str]:
    """A server that answers every request with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        seen.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/trigger/smt-now"


def said(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def test_the_secret_goes_in_its_header(tmp_path: Path) -> None:
    seen: list[bytes] = []
    async with relay(said("202 Accepted", b'{"ok":true,"run":"r7"}'), seen) as url:
        settings = load_settings(tmp_path, {}, droplet_url=url, droplet_secret=SECRET)
        assert await to_relay(settings)(WISH) == {"ok": True, "run": "r7"}
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert f"x-intelliwatt-secret: {SECRET}".encode() in head
    assert b"x-proxy-secret" not in head and b'"esiid":"10443720000000001"' in body


async def test_the_webhook_secret_serves_both_ways(tmp_path: Path) -> None:
    seen: list[bytes] = []
    async with relay(said("202 Accepted", b"taken"), seen) as url:
        settings = load_settings(tmp_path, {}, droplet_url=url, webhook_secret=SECRET)
        assert await to_relay(settings)(WISH) == "taken"
    assert SECRET.encode() in seen[0]


@pytest.mark.parametrize(
    ("status", "headers"),
    [("503 Down", ()), ("401 Who", ()), ("302 Found", ("location: http://127.0.0.1:1/",))],
)
async def test_what_the_relay_refuses_is_502(tmp_path: Path, status: str, headers: tuple[str, ...]) -> None:
    seen: list[bytes] = []
    async with relay(said(status, b"", *headers), seen) as url:
        settings = load_settings(tmp_path, {}, droplet_url=url, droplet_secret=SECRET)
        with pytest.raises(TriggerFailed) as failed:
            await to_relay(settings)(WISH)
    assert failed.value.body["error"] == "WEBHOOK_FAILED" and failed.value.status == 502
    assert failed.value.body["status"] == int(status[:3])
    assert len(seen) == 1


async def test_what_is_wrong_with_the_request_itself_is_said_in_the_relays_words(tmp_path: Path) -> None:
    words = b'{"ok":false,"error":"BAD_KIND","message":"There is no request kind \'x\'."}'
    async with relay(said("400 Bad Request", words), []) as url:
        settings = load_settings(tmp_path, {}, droplet_url=url, droplet_secret=SECRET)
        with pytest.raises(TriggerFailed) as failed:
            await to_relay(settings)(WISH)
    assert (failed.value.status, failed.value.code) == (400, "BAD_KIND")
    assert str(failed.value) == "There is no request kind 'x'."


async def test_a_relay_that_is_not_there_is_502(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {}, droplet_url="http://127.0.0.1:1/x", droplet_secret=SECRET)
    with pytest.raises(TriggerFailed) as failed:
        await to_relay(settings)(WISH)
    assert failed.value.body["error"] == "WEBHOOK_CONNECTION_FAILED" and SECRET not in str(failed.value)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "DROPLET_WEBHOOK_URL"),
        ({"droplet_url": "http://127.0.0.1:1/x"}, "DROPLET_WEBHOOK_SECRET"),
    ],
)
async def test_a_missing_setting_is_named(tmp_path: Path, given: dict[str, str], named: str) -> None:
    with pytest.raises(TriggerFailed) as failed:
        await to_relay(load_settings(tmp_path, {}, **given))(WISH)
    assert (failed.value.code, failed.value.status) == ("SERVER_MISCONFIG", 500)
    assert named in str(failed.value)
