"""Looks for alerts and tells of them, and mails what is left to mail, every minute, beside collecting."""

from __future__ import annotations

import asyncio

import structlog

from wattledger.cli.runtime import Runtime
from wattledger.errors import WattledgerError
from wattledger.web.alerts.tell import Teller
from wattledger.web.alerts.watcher import Watcher
from wattledger.web.unsent import Inviter

EVERY_SECONDS = 60.0
log = structlog.get_logger(__name__)


async def alerting(runtime: Runtime, stop: asyncio.Event, address: str | None = None) -> None:
    """Look at once, then every minute until `stop` is set. `address` is where this hub is bound."""
    base = runtime.settings.base_url or address or ""
    watcher = Watcher(runtime.store, runtime.settings, runtime.clock)
    teller = Teller(runtime.store, runtime.settings, runtime.clock, base)
    inviter = Inviter(runtime.store, runtime.settings, runtime.clock, base)
    telling: asyncio.Task[int] | None = None
    while not stop.is_set():
        try:
            await watcher.look()
        except WattledgerError as error:
            log.warning("alerts were not looked for", reason=str(error))
        except Exception as error:
            log.exception("a fault of ours in looking for alerts", kind=type(error).__name__)
        if telling is None or telling.done():
            telling = asyncio.create_task(_tell(teller, inviter))  # a slow receiver holds up no look
        try:
            await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
        except TimeoutError:
            continue
    if telling is not None:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _tell(teller: Teller, inviter: Inviter) -> int:
    try:
        return await inviter.look() + await teller.tell()
    except WattledgerError as error:
        log.warning("alerts were not told", reason=str(error))
    except Exception as error:
        log.exception("a fault of ours in telling alerts", kind=type(error).__name__)
    return 0
