"""Says in the log that a pasted token nears its end: six hours and one hour before it, and at its end.

Once for each token and step, however many processes run and however often they start.
"""

from __future__ import annotations

import asyncio

import structlog

from wattledger.cli.runtime import Runtime
from wattledger.errors import WattledgerError
from wattledger.web.contracts.ac import pasted

EVERY_SECONDS = 60.0
log = structlog.get_logger(__name__)


async def announcing(runtime: Runtime, stop: asyncio.Event) -> None:
    """Look every minute until `stop` is set."""
    while not stop.is_set():
        try:
            await announce(runtime)
        except WattledgerError as error:
            log.warning("tokens were not looked at", reason=str(error))
        try:
            await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
        except TimeoutError:
            continue


async def announce(runtime: Runtime) -> int:
    """Log what was not logged yet. Returns how many warnings that were."""
    connections, now, said = runtime.store.connections, runtime.clock.now(), 0
    for row in await pasted.connections(runtime.store, None):
        window = await pasted.window(runtime.store, row)
        ends = pasted.ending(window, now)
        if window is None or ends is None:
            continue
        if await connections.warned(row.id, f"{window.expires:%Y-%m-%dT%H:%M:%S.%f} {ends.step}"):
            log.warning(ends.message, connection=row.id, minutes_left=window.left(now) // 60)
            said += 1
    return said
