"""kill -9 between the vendor's answer and our commit: the refresh is repeated within the vendor's grace."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.smartthings.test_road import OurSmartThings, client, clock, collector, ours, store
from tests.smartthings.test_rotation import signed_in
from tests.turning import TurningClock
from tests.turns import turns
from wattledger.collect import Collector
from wattledger.faults import arm, kill_at, sabotage
from wattledger.secrets import Vault
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store import Store, open_store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.dispatch import StoreDispatch
from wattledger.store.tables import connection as table

__all__ = ["clock", "collector", "ours", "store"]
FORK = multiprocessing.get_context("fork")
GRACE = 60


def collecting(url: str, data: Path, clock: TurningClock, last_words: str) -> None:
    """A process that collects what is due, and dies before it has committed the new tokens."""
    arm(last_words, kill_at(1))
    asyncio.run(_collect(url, data, clock))


async def _collect(url: str, data: Path, clock: TurningClock) -> None:
    ours = OurSmartThings(clock)
    store = await open_store(url, data=data, parse=ours.parse, vault=Vault({"a": b"k" * 32}), clock=clock)
    dispatch = StoreDispatch(store.payloads, store.connections, ["smartthings"])
    await Collector(dispatch, lambda _: ours, clock, client).once()


async def killed(url: str, data: Path, clock: TurningClock, last_words: str) -> None:
    child = FORK.Process(target=collecting, args=(url, data, clock, last_words))
    child.start()
    await asyncio.to_thread(child.join)
    assert child.exitcode == -9


async def let_go(store: Store, row: ConnectionRow) -> None:
    """A database server needs a moment to see that a process is dead."""
    async with asyncio.timeout(20), store.connections.token(row.id):
        pass


async def begun(store: Store, row: ConnectionRow) -> bool:
    async with store.connect() as connection:
        return (
            await connection.scalar(select(table.c.refresh_started_at).where(table.c.id == row.id))
            is not None
        )


@pytest.mark.parametrize("most", [2, pytest.param(2000, marks=pytest.mark.soak)])
async def test_killed_before_the_commit(
    vendor: SmartThingsSimulator,
    store: Store,
    collector: Collector,
    clock: TurningClock,
    database_url: str,
    tmp_path: Path,
    most: int,
    record_property: Callable[[str, object], None],
) -> None:
    row = await signed_in(store, vendor)
    vendor.issuer.grace = GRACE
    await collector.once()
    vendor.calls[:] = []
    rounds = 0
    for _ in turns(most):
        rounds += 1
        clock.turn(hours=24)
        await killed(database_url, tmp_path, clock, "hub.before_token_commit")
        assert await begun(store, row)
        clock.turn(seconds=20)
        await let_go(store, row)
        assert await collector.once() == 1
        after = await store.connections.get(row.id, None)
        assert (after.state, after.last_error) == ("ok", None)
        assert not await begun(store, row)
    record_property("crashes_after_the_answer", rounds)
    record_property("accounts_lost", 0)
    record_property("vendor_calls", vendor.asked("/oauth/token"))
    assert vendor.asked("/oauth/token") == 2 * rounds


async def test_without_a_grace_the_account_is_lost(
    vendor: SmartThingsSimulator,
    store: Store,
    collector: Collector,
    clock: TurningClock,
    database_url: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """The window that nothing of ours can close: it is counted, not hidden."""
    lost, tries = 0, 3
    for _ in range(tries):
        row = await signed_in(store, vendor)
        vendor.issuer.grace = -1
        clock.turn(hours=24)
        await killed(database_url, tmp_path, clock, "hub.before_token_commit")
        await let_go(store, row)
        await collector.once()
        lost += (await store.connections.get(row.id, None)).state == "needs_login"
    record_property("crashes_where_the_vendor_gives_no_grace", tries)
    record_property("accounts_lost", lost)
    assert lost == tries


async def recovers(
    vendor: SmartThingsSimulator,
    store: Store,
    collector: Collector,
    clock: TurningClock,
    url: str,
    data: Path,
) -> str:
    """The state after a killed refresh, looked at every eight seconds until its lease is over."""
    row = await signed_in(store, vendor)
    vendor.issuer.grace = GRACE
    clock.turn(hours=24)
    await killed(url, data, clock, "hub.before_token_commit")
    await let_go(store, row)
    for _ in range(9):
        clock.turn(seconds=8)
        await collector.once()
    return (await store.connections.get(row.id, None)).state


async def test_sabotage_refresh_note_is_noticed(
    vendor: SmartThingsSimulator,
    store: Store,
    collector: Collector,
    clock: TurningClock,
    database_url: str,
    tmp_path: Path,
) -> None:
    assert await recovers(vendor, store, collector, clock, database_url, tmp_path) == "ok"
    with sabotage("refresh_note"):
        assert await recovers(vendor, store, collector, clock, database_url, tmp_path) == "needs_login"


async def test_a_refresh_that_goes_on_elsewhere_is_left_alone(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, clock: TurningClock
) -> None:
    await signed_in(store, vendor)
    clock.turn(hours=24)
    (held,) = await collector.dispatch.claim(1)
    async with collector.dispatch.token(held) as slot:
        await slot.begin()
        assert await collector.dispatch.claim(5) == []
    (again,) = await collector.dispatch.claim(5)
    assert again.id == held.id and again.lease != held.lease


async def test_a_refused_refresh_leaves_no_note(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, clock: TurningClock
) -> None:
    row = await signed_in(store, vendor)
    vendor.issuer.revoke()
    clock.turn(hours=24)
    await collector.once()
    assert (await store.connections.get(row.id, None)).state == "needs_login"
    assert not await begun(store, row)
