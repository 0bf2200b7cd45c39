"""An owner's webhook: one signed POST of JSON to an address that cannot be turned against this network.

Only https, to hosts whose every address is public; plain http and this machine itself only on a hub of one
site. The name is looked up by us and the very address that was checked is connected to; no redirect is
followed, no proxy used, and of the answer nothing but its status is read.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx2
import orjson

from wattledger.errors import Refused, TryLater
from wattledger.faults import sabotaged
from wattledger.store.alerts.ways import Hook
from wattledger.transport import is_loopback

TIMEOUT = httpx2.Timeout(10, connect=5)
LONGEST_URL = 500
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Call:
    """One POST: what happened, which identifies it to the receiver however often it comes, and when."""

    body: dict[str, Any]
    id: str
    at: int
    """epoch seconds"""


def checked(url: str, alone: bool) -> str:
    """The address in its normal form. `alone`: whether the hub has one site only. Raises Refused."""
    parts = _split(url)
    host = (parts.hostname or "").rstrip(".")
    if not host or parts.username or parts.password or parts.fragment or len(url) > LONGEST_URL:
        raise _refused("A webhook is an address like https://example.org/alerts, without a sign-in in it.")
    if parts.scheme not in ("https", "http"):
        raise _refused("A webhook is an https address.")
    if parts.scheme == "http" and not is_loopback(host):
        raise _refused("A webhook is an https address; plain http is for this machine only.")
    if is_loopback(host) and not alone:
        raise _refused("On a hub of several sites a webhook cannot be on the hub's own machine.")
    try:
        if not allowed(ipaddress.ip_address(host), here=alone):
            raise _refused("A webhook's host must be public.")
    except ValueError:
        pass
    return urlunsplit(parts)


def allowed(address: Address, here: bool) -> bool:
    """Whether an address may be called: public ones; with `here` also this machine's own loopback."""
    inner = _inner(address)
    if inner.is_loopback:
        return here
    if sabotaged("webhook_host"):
        return True
    return inner.is_global and not (inner.is_multicast or inner.is_reserved or inner.is_unspecified)


def signature(secret: str, at: int, body: bytes) -> str:
    """The header by which a receiver knows us: HMAC-SHA256 over the time, a dot and the body."""
    made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={made}"


async def post(hook: Hook, call: Call, alone: bool) -> None:
    """Send; returns once the receiver answered 2xx. Raises TryLater, Refused."""
    parts = _split(checked(hook.url, alone))
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await _resolved(host, port, alone)
    body = orjson.dumps(call.body, option=orjson.OPT_UTC_Z)
    headers = {
        "host": parts.netloc,
        "content-type": "application/json",
        "user-agent": "wattledger",
        "wattledger-event": call.id,
        "wattledger-signature": signature(hook.secret, call.at, body),
    }
    literal = f"[{address}]" if address.version == 6 else str(address)
    target = urlunsplit((parts.scheme, f"{literal}:{port}", parts.path or "/", parts.query, ""))
    await _send(target, host, body, headers)


async def _send(target: str, host: str, body: bytes, headers: dict[str, str]) -> None:
    extensions = {"sni_hostname": host}
    try:
        async with (
            httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", target, content=body, headers=headers, extensions=extensions) as answer,
        ):
            status = answer.status_code
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
        raise TryLater(f"The webhook's host did not take it ({type(error).__name__}).") from None
    if 300 <= status < 400:
        raise TryLater(f"The webhook answered {status}, a redirect; name the address that it leads to.")
    if not 200 <= status < 300:
        raise TryLater(f"The webhook answered {status}.")


async def _resolved(host: str, port: int, alone: bool) -> Address:
    """An address of the host, of which every one may be called. Raises TryLater, Refused."""
    try:
        async with asyncio.timeout(5):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        raise TryLater("The webhook's host has no address now.") from None
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    here = alone and is_loopback(host)
    if not addresses or not all(allowed(one, here) for one in addresses):
        raise _refused("The webhook's host has an address that is not public; it is not called.")
    return addresses[0]


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, else itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address.sixtofour:
            return address.sixtofour
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        raise _refused("This is no address.") from None
    return parts


def _refused(why: str) -> Refused:
    return Refused(why, "BAD_WEBHOOK", "webhook", 422)
