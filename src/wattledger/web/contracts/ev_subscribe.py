"""v3: a new car reports to the application's webhook; without that its vendor has next to nothing of it."""

from __future__ import annotations

from wattledger.web.contracts.ev_grant import Grant
from wattledger.web.hub import Hub


async def subscribe(found: Hub, grant: Grant) -> None:
    """Subscribe the granted cars."""
