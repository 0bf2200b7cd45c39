"""Who asks, behind a proxy: the address that a trusted proxy saw, else the one that connected.

Only what a proxy of WATTLEDGER_TRUSTED_PROXY appended to X-Forwarded-For counts: read from the right, the
first address that is no trusted proxy is the caller's. From anyone else the header is ignored.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from wattledger.faults import sabotaged

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Forwarded:
    """ASGI middleware: puts the caller's address into the request's `client`."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app, self._trusted = app, trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            host, port = scope["client"]
            sent = [v.decode("latin-1") for k, v in scope["headers"] if k == b"x-forwarded-for"]
            caller = caller_of(host, ",".join(sent), self._trusted)
            if caller != host:
                scope = {**scope, "client": (caller, port)}
        await self._app(scope, receive, send)


def caller_of(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The caller's address: the rightmost one that is no trusted proxy's.

    What is no address ends the search: nobody vouches for what stands left of it.
    """
    if not forwarded or not (_trusts(trusted, peer) or sabotaged("trusted_proxy")):
        return peer
    caller = peer
    for part in reversed(forwarded.split(",")):
        try:
            caller = str(ipaddress.ip_address(part.strip()))
        except ValueError:
            return caller
        if not _trusts(trusted, caller):
            return caller
    return caller


def _trusts(trusted: Sequence[Network], address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in trusted)
