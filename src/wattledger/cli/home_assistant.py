"""Publishes to Home Assistant beside collecting, where a broker is set."""

from __future__ import annotations

from datetime import datetime

import structlog

from wattledger.cli.runtime import Runtime
from wattledger.interop.broker import broker_of
from wattledger.interop.publisher import Publisher
from wattledger.interop.things import Thing, things
from wattledger.store import Store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.web.contracts.ac import pasted

log = structlog.get_logger(__name__)


def publisher(runtime: Runtime) -> Publisher | None:
    """What publishes, None where no broker is set. Raises Misconfigured."""
    broker = broker_of(runtime.settings)
    if broker is None:
        return None
    if broker.in_clear:
        log.warning("MQTT goes to another machine without TLS: use mqtts://", host=broker.host)
    store, named = runtime.store, runtime.settings.mqtt_sites

    async def token_end(row: ConnectionRow) -> datetime | None:
        window = await pasted.window(store, row)
        return window.expires if window else None

    async def look() -> list[Thing]:
        return await things(store, await published(store, named), token_end)

    return Publisher(store.database, broker, look)


async def published(store: Store, named: tuple[str, ...]) -> list[str]:
    """Ids of the sites that a broker hears of: those that are named, else the only one there is."""
    all = [site.id for site in await store.sites.list()]
    if named:
        return [id for id in all if id in named]
    if len(all) > 1:
        log.warning("no site is published by MQTT: name them in WATTLEDGER_MQTT_SITES", sites=len(all))
        return []
    return all
