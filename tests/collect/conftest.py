"""A vendor on loopback, a store of each kind, and a loop between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.collect.connector import NAME, registry
from tests.collect.vendor import Vendor
from tests.turning import TurningClock
from wattledger.collect import Collector, Pace
from wattledger.connectors.base import Connection, Token
from wattledger.connectors.http import open_client
from wattledger.secrets import Vault
from wattledger.signing import Clients
from wattledger.simulators.http import serve
from wattledger.store import Store, open_store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.dispatch import StoreDispatch

QUICK = Pace(width=8, pause=0.05, renew=0.05, deadline=10, grace=0.2, refresh_again=(0.01, 0.01))


def keys() -> Vault:
    return Vault({"a": b"k" * 32})


def clients_of(address: str) -> Clients:
    def client(connection: Connection, token: Token | None) -> AbstractAsyncContextManager[AsyncClient]:
        http = open_client(address)
        if token:
            http.headers["Authorization"] = f"Bearer {token.access}"
        return http

    return client


@pytest.fixture
def clock() -> TurningClock:
    return TurningClock()


@pytest.fixture
def vendor(clock: TurningClock) -> Vendor:
    return Vendor(clock.now())


@pytest.fixture
async def clients(vendor: Vendor) -> AsyncIterator[Clients]:
    async with serve(vendor.app) as address:
        yield clients_of(address)


@pytest.fixture
async def store(database_url: str, tmp_path: Path, clock: TurningClock) -> AsyncIterator[Store]:
    parse = registry(NAME).parse
    opened = await open_store(database_url, data=tmp_path, parse=parse, vault=keys(), clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def collector(store: Store, clients: Clients, clock: TurningClock) -> Collector:
    return Collector(dispatch_of(store), registry, clock, clients, QUICK)


def dispatch_of(store: Store, *connectors: str) -> StoreDispatch:
    return StoreDispatch(store.payloads, store.connections, connectors or (NAME,))


async def connect(store: Store, account: str, **options: Any) -> ConnectionRow:
    site = await store.sites.default()
    return await store.connections.create(
        site.id, options.pop("connector", NAME), {"account": account, **options}, {"account": account}
    )
