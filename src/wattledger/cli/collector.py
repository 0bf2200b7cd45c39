"""What hub and worker do besides answering: collect due connections, read payloads left by a dead process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
from httpx2 import AsyncClient

from wattledger import connectors
from wattledger.cli.runtime import Runtime
from wattledger.collect import Clients, Collector
from wattledger.config import Settings
from wattledger.connectors.base import Connection, Stream, Token
from wattledger.connectors.http import open_client
from wattledger.errors import WattledgerError
from wattledger.listen import LISTENING, Listener
from wattledger.store.sources.dispatch import ListenDispatch, StoreDispatch
from wattledger.web.on_demand import OnDemand

ORPHANS_EVERY_SECONDS = 10.0
log = structlog.get_logger(__name__)


def polled() -> list[str]:
    """Connectors that a hub polls. Smart Meter Texas is not one: only a relay may call it."""
    return [name for name in connectors.names() if connectors.connector(name).every is not None]


def pushed() -> list[str]:
    """Connectors whose vendors can push."""
    return [name for name in polled() if isinstance(connectors.connector(name), Stream)]


def collector(runtime: Runtime) -> Collector:
    """The loop over this store's due connections."""
    dispatch = dispatch_of(runtime)
    return Collector(dispatch, connectors.connector, runtime.clock, clients(runtime.settings))


def listener(runtime: Runtime) -> Listener:
    """The loop over this store's connections that push."""
    store = runtime.store
    dispatch = ListenDispatch(store.payloads, store.connections, store.listening, pushed())
    return Listener(dispatch, connectors.connector, runtime.clock, clients(runtime.settings), LISTENING)


def dispatch_of(runtime: Runtime) -> StoreDispatch:
    """This store's connections of all connectors that a hub polls."""
    return StoreDispatch(runtime.store.payloads, runtime.store.connections, polled())


def on_demand(runtime: Runtime) -> OnDemand:
    """What lets the web collect a connection at once."""
    return OnDemand(dispatch_of(runtime), collector(runtime), runtime.store.connections)


@asynccontextmanager
async def collecting(runtime: Runtime, stop: asyncio.Event) -> AsyncIterator[None]:
    """Collect and read orphans while the block runs, and until `stop` is set."""
    tasks = [
        asyncio.create_task(collector(runtime).run(stop)),
        asyncio.create_task(listener(runtime).run(stop)),
        asyncio.create_task(_read_orphans(runtime, stop)),
    ]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _read_orphans(runtime: Runtime, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            count = await runtime.store.payloads.read_orphans()
            if count:
                log.info("read payloads that another process had left", count=count)
        except WattledgerError as error:
            log.warning("waiting payloads were not read", reason=str(error))
        try:
            await asyncio.wait_for(stop.wait(), ORPHANS_EVERY_SECONDS)
        except TimeoutError:
            continue


def clients(settings: Settings) -> Clients:
    """HTTP clients for connections: to the address of their vendor, signed in where a token is given."""

    def client(connection: Connection, token: Token | None) -> AbstractAsyncContextManager[AsyncClient]:
        named = connection.options.get("base_url")
        opened = open_client(str(named or vendor_url(settings, connection.connector)))
        if token:
            opened.headers["authorization"] = f"Bearer {token.access}"
        return opened

    return client


def vendor_url(settings: Settings, connector: str) -> str:
    """Where a vendor is, by its setting `<CONNECTOR>_BASE_URL`; empty where there is none."""
    return str(getattr(settings, f"{connector}_base_url", ""))
