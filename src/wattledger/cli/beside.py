"""A relay beside the hub, in the same process, for a single-machine set-up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wattledger.clock import SystemClock
from wattledger.config import Settings
from wattledger.errors import Misconfigured


@asynccontextmanager
async def relay_beside(settings: Settings, address: str) -> AsyncIterator[None]:
    """Run a relay that delivers to this hub unless INTELLIWATT_BASE_URL says otherwise."""
    from wattledger.relay.service import Relay

    if settings.admin_token is None or settings.webhook_secret is None:
        raise Misconfigured("ADMIN_TOKEN and INTELLIWATT_WEBHOOK_SECRET must be set for --with-relay.")
    here = settings.model_copy(update={"hub_url": settings.hub_url or address})
    relay = Relay(here, SystemClock())
    await relay.start()
    try:
        yield
    finally:
        await relay.stop()
