"""v3: subscribing new cars to the application's webhook, without which the vendor stores next to nothing.

It is part of connecting, and of every collection too: a car is connected even where this fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import structlog

from wattledger.connectors.base import Account
from wattledger.connectors.http import open_client
from wattledger.connectors.smartcar.subscribing import Subscriber
from wattledger.errors import WattledgerError
from wattledger.web.contracts.ev.app import app_of
from wattledger.web.contracts.ev.grant import Grant, application_token
from wattledger.web.hub import Hub

log = structlog.get_logger("wattledger.web")
LONGEST = 15.0
"""seconds for which somebody waits for it"""
MOST = 20
"""cars that are subscribed while somebody waits; the others are by the first collection"""


async def subscribe(found: Hub, grant: Grant, ids: Collection[str]) -> None:
    """Subscribe cars of a v3 grant by the vendor's ids. What fails is logged and tried again later."""
    if grant.options["api"] != "v3":
        return
    try:
        async with asyncio.timeout(LONGEST):
            reasons = await _subscribed(found, grant, list(ids)[:MOST])
    except Exception as error:  # the car is connected, whatever came of this
        reasons = {str(error) if isinstance(error, WattledgerError) else type(error).__name__}
    for reason in sorted(reasons):
        log.warning("car not subscribed to the webhook", reason=reason)


async def _subscribed(found: Hub, grant: Grant, ids: Collection[str]) -> set[str]:
    """Why any of them is not."""
    settings, user = found.settings, str(grant.options["user_id"])
    options = {"management_url": settings.smartcar_management_url, "webhook_id": settings.smartcar_webhook_id}
    token = await application_token(found, app_of(found).secrets)
    subscriber = Subscriber()
    async with open_client(settings.smartcar_vehicle_url, also=(settings.smartcar_management_url,)) as http:
        http.headers["authorization"] = f"Bearer {token.access}"
        account = Account(http, options, None, found.clock.now())
        told = [await subscriber.subscribe(account, user, id) for id in ids]
    return {why for _, why in told if why}
