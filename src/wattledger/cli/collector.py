"""What hub and worker do besides answering: collect, listen, read what a dead process left, warn, alert."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import structlog
from httpx2 import AsyncClient

from wattledger import connectors
from wattledger.cli.alerting import alerting
from wattledger.cli.home_assistant import publisher
from wattledger.cli.runtime import Runtime
from wattledger.cli.token_endings import announcing
from wattledger.cli.vendor_apps import apps_of, ending
from wattledger.cli.vendor_urls import addresses
from wattledger.collect import Collector, Counted
from wattledger.config import Settings
from wattledger.connectors.base import Connection, Stream, Token
from wattledger.connectors.http import open_client
from wattledger.errors import WattledgerError
from wattledger.faults import sabotaged
from wattledger.listen import LISTENING, Listener
from wattledger.signing import Clients
from wattledger.store.sources.dispatch import ListenDispatch, StoreDispatch
from wattledger.web.on_demand import OnDemand

ORPHANS_EVERY_SECONDS = 10.0
BATCH = 200
"""waiting payloads read together"""
log = structlog.get_logger(__name__)


def polled() -> list[str]:
    """Connectors that a hub polls. Smart Meter Texas is not one: only a relay may call it."""
    return [name for name in connectors.names() if connectors.connector(name).every is not None]


def pushed() -> list[str]:
    """Connectors whose vendors can push."""
    return [name for name in polled() if isinstance(connectors.connector(name), Stream)]


def collector(runtime: Runtime, counted: Counted | None = None) -> Collector:
    """The loop over this store's due connections."""
    dispatch = dispatch_of(runtime)
    return Collector(
        dispatch, connectors.connector, runtime.clock, clients(runtime.settings), counted=counted
    )


def listener(runtime: Runtime) -> Listener:
    """The loop over this store's connections that push."""
    store = runtime.store
    apps = apps_of(runtime.settings)
    dispatch = ListenDispatch(store.payloads, store.connections, store.listening, pushed(), apps=apps)
    return Listener(dispatch, connectors.connector, runtime.clock, clients(runtime.settings), LISTENING)


def dispatch_of(runtime: Runtime) -> StoreDispatch:
    """This store's connections of all connectors that a hub polls."""
    store, apps = runtime.store, apps_of(runtime.settings)
    return StoreDispatch(store.payloads, store.connections, polled(), vehicles=store.vehicles, apps=apps)


def on_demand(runtime: Runtime) -> OnDemand:
    """What lets the web collect a connection at once."""
    return OnDemand(dispatch_of(runtime), collector(runtime), runtime.store.connections)


@asynccontextmanager
async def collecting(
    runtime: Runtime, stop: asyncio.Event, address: str | None = None, counted: Counted | None = None
) -> AsyncIterator[None]:
    """Collect and read orphans while the block runs, and until `stop` is set.

    What a wrong setting had stopped is tried again: settings are read at the start alone. `address` is
    where this process's hub is bound, for links in what is told of alerts.
    """
    if notice := ending(runtime.settings):
        log.warning(notice)
    if again := await runtime.store.connections.retry_misconfigured():
        log.info("connections that a setting had stopped are tried again", count=again)
    publishing = publisher(runtime)
    tasks = [
        asyncio.create_task(collector(runtime, counted).run(stop)),
        asyncio.create_task(listener(runtime).run(stop)),
        asyncio.create_task(_read_orphans(runtime, stop)),
        asyncio.create_task(announcing(runtime, stop)),
        asyncio.create_task(alerting(runtime, stop, address)),
        *([asyncio.create_task(publishing.run(stop))] if publishing else []),
    ]
    for task in tasks:
        task.add_done_callback(partial(_ended, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


def _ended(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    """A loop that fails by a fault of our own ends the process: whoever watches it starts it anew."""
    if not task.cancelled() and task.exception() is not None and not sabotaged("loops_watched"):
        log.error("a loop of this process has failed; it ends and must be started again")
        stop.set()


async def _read_orphans(runtime: Runtime, stop: asyncio.Event) -> None:
    """Read what waits: what was just received at once, what another process left within ten seconds."""
    payloads = runtime.store.payloads
    while not stop.is_set():
        payloads.waiting.clear()
        count = 0
        try:
            count = await payloads.read_orphans(BATCH)
        except WattledgerError as error:
            log.warning("waiting payloads were not read", reason=str(error))
        if count:
            log.info("read waiting payloads", count=count)
        if count < BATCH:
            await either(stop, payloads.waiting, ORPHANS_EVERY_SECONDS)


async def either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    """Wait until one of two events is set, but no longer than that."""
    waits = {asyncio.create_task(event.wait()) for event in (one, other)}
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def clients(settings: Settings) -> Clients:
    """HTTP clients for connections: to the addresses of their vendor, signed in where a token is given."""

    def client(connection: Connection, token: Token | None) -> AbstractAsyncContextManager[AsyncClient]:
        base, *also = addresses(settings, connection, signed_in=token is not None)
        opened = open_client(base, also=also)
        if token:
            opened.headers["authorization"] = f"Bearer {token.access}"
        return opened

    return client
