"""A subscription to the events of locations, and where its stream is; the old one is removed first.

POST   /subscriptions          {name, version, clientDeviceId, subscriptionFilters}
                               -> {subscriptionId, registrationUrl}
DELETE /subscriptions/{id}
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2

from wattledger.connectors.base import Account
from wattledger.connectors.http import exchange
from wattledger.connectors.smartthings.answers import WHO, opened
from wattledger.connectors.smartthings.reading import identifier
from wattledger.errors import Refused, TryLater, WattledgerError
from wattledger.faults import sabotaged
from wattledger.transport import is_loopback

PATH = "/subscriptions"
VERSION = 20250122
EVENTS = ("DEVICE_EVENT", "DEVICE_HEALTH_EVENT")
STREAM_HOST = "spigot-regional."
"""before the API's own host"""
FULL = frozenset({409, 422})
"""the vendor's limit of connections is reached"""
FULL_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription's id, and the address of its stream, whose host was checked."""

    id: str
    stream: httpx2.URL


@asynccontextmanager
async def subscribed(
    account: Account, locations: Sequence[str], old: dict[str, str]
) -> AsyncIterator[Subscription]:
    """Subscribed while the block runs. `old` (connection -> id) names what an earlier run left behind.

    Raises TryLater (limit, network), LoginRequired, Refused.
    """
    await _remove(account, old)
    made = await _make(account, locations)
    old[account.connection] = made.id
    try:
        yield made
    finally:
        await _remove(account, old)


async def _make(account: Account, locations: Sequence[str]) -> Subscription:
    """The new subscription; its stream must be on a host of the vendor."""
    wanted = {"type": "LOCATIONIDS", "value": list(locations), "eventType": list(EVENTS)}
    asked = {
        "name": "wattledger",
        "version": VERSION,
        "clientDeviceId": f"iapp_{account.grant.get('installed_app_id', '')}",
        "subscriptionFilters": [wanted],
    }
    answer = await exchange(account.http, "POST", PATH, json=asked)
    if answer.status in FULL:
        raise TryLater(f"{WHO} allows no more event streams now ({answer.status}).", FULL_FOR)
    said: dict[str, Any] = opened(answer, account.now)
    id, address = identifier(said.get("subscriptionId")), said.get("registrationUrl")
    if id is None or not isinstance(address, str):
        raise TryLater(f"{WHO} answered a subscription without its id or address.")
    return Subscription(id, stream_url(address, account.http.base_url))


async def _remove(account: Account, old: dict[str, str]) -> None:
    """Remove what was left behind; one that is gone, or can't be removed now, ends by itself."""
    if id := old.pop(account.connection, None):
        with suppress(WattledgerError):
            await exchange(account.http, "DELETE", f"{PATH}/{id}")


def stream_url(address: str, base: httpx2.URL) -> httpx2.URL:
    """The stream's address. Raises Refused unless it is the vendor's stream host (on loopback: loopback)."""
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        raise Refused(f"{WHO} named a stream that is no address.", "STREAM", status=502) from None
    host = base.host if is_loopback(base.host) else f"{STREAM_HOST}{base.host}"
    safe = url.scheme == base.scheme and not url.userinfo and (is_loopback(host) or url.port is None)
    if not (safe and url.host == host) and not sabotaged("stream_host"):
        raise Refused(f"{WHO} named a stream on another host; it was not followed.", "STREAM", status=502)
    return url
