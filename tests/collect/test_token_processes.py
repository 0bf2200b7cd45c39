"""The token lock across processes: one refresh for all of them, and a killed holder lets go."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from tests.collect.conftest import QUICK, clients_of, connect, dispatch_of, keys
from tests.collect.connector import CONNECTOR, registry
from tests.collect.vendor import Vendor
from tests.turning import TurningClock
from wattledger.collect import Collector
from wattledger.connectors.base import Connection
from wattledger.simulators.http import serve
from wattledger.store import Store, open_store

FORK = multiprocessing.get_context("fork")


async def sign_in(url: str, data: Path, address: str, connection: Connection) -> int:
    """What one process does: open the store, get a token. Returns its generation."""
    clock = TurningClock()
    store = await open_store(url, data=data, parse=CONNECTOR.parse, vault=keys(), clock=clock)
    loop = Collector(dispatch_of(store), registry, clock, clients_of(address), QUICK)
    token = await loop.sign_in(CONNECTOR.grant, connection)
    await store.close()
    return token.generation


def signing_in(pipe: Pipe, *about: object) -> None:
    pipe.send(asyncio.run(sign_in(*about)))  # type: ignore[arg-type]


async def hold(url: str, data: Path, connection: Connection, pipe: Pipe) -> None:
    store = await open_store(url, data=data, parse=CONNECTOR.parse, vault=keys())
    async with dispatch_of(store).token(connection):
        pipe.send("held")
        await asyncio.sleep(60)


def holding(pipe: Pipe, url: str, data: Path, connection: Connection) -> None:
    asyncio.run(hold(url, data, connection, pipe))


async def test_eight_processes_make_one_vendor_call(
    database_url: str, tmp_path: Path, store: Store, vendor: Vendor
) -> None:
    vendor.slow = 0.2
    await connect(store, "a")
    (connection,) = await dispatch_of(store).claim(1)
    async with serve(vendor.app) as address:
        ours, theirs = FORK.Pipe()
        about = (theirs, database_url, tmp_path, address, connection)
        children = [FORK.Process(target=signing_in, args=about) for _ in range(8)]
        for child in children:
            child.start()
        generations = [await asyncio.to_thread(ours.recv) for _ in children]
        for child in children:
            await asyncio.to_thread(child.join)
    assert generations == [1] * 8
    assert vendor.refreshes["a"] == 1


async def test_a_killed_holder_lets_go(database_url: str, tmp_path: Path, store: Store) -> None:
    await connect(store, "a")
    dispatch = dispatch_of(store)
    (connection,) = await dispatch.claim(1)
    ours, theirs = FORK.Pipe()
    child = FORK.Process(target=holding, args=(theirs, database_url, tmp_path, connection))
    child.start()
    assert await asyncio.to_thread(ours.recv) == "held"
    child.kill()
    start = time.monotonic()
    async with asyncio.timeout(10), dispatch.token(connection) as slot:
        assert slot.current is None
    assert time.monotonic() - start < 5
    await asyncio.to_thread(child.join)
