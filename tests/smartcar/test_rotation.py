"""v2's rotating pairs under many hands and many deaths: one call a round, no account lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.smartcar.driver import ours
from tests.smartcar.test_road import FORK, KEYS, connected, connector, loop_of, settings_of, store
from tests.turning import TurningClock
from tests.turns import turns
from wattledger import connectors
from wattledger.collect import Collector
from wattledger.config import Settings
from wattledger.connectors.smartcar import Smartcar
from wattledger.faults import arm, kill_at
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.store import Store, open_store

__all__ = ["connector", "store"]
GRACE = 60.0
Record = Callable[[str, object], None]


@asynccontextmanager
async def eight_loops(
    url: str, settings: Settings, connector: Smartcar, clock: TurningClock
) -> AsyncIterator[list[Collector]]:
    """Eight collectors, each with a store of its own as eight processes have them."""
    async with AsyncExitStack() as stack:
        loops = []
        for _ in range(8):
            other = await open_store(url, data=settings.data, parse=connectors.parse, vault=KEYS, clock=clock)
            stack.push_async_callback(other.close)
            loops.append(loop_of(other, settings, connector, clock))
        yield loops


@pytest.mark.parametrize("most", [5, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_eight_at_once_make_one_refresh_a_round(
    store: Store,
    vendor: SmartcarSimulator,
    connector: Smartcar,
    clock: TurningClock,
    database_url: str,
    tmp_path: Path,
    most: int,
    record_property: Record,
) -> None:
    row = await connected(store, vendor, clock)
    assert connector.grant
    vendor.calls[:] = []
    async with eight_loops(database_url, settings_of(vendor, tmp_path), connector, clock) as loops:
        (held,) = await loops[0].dispatch.claim(1)
        rounds = 0
        for _ in turns(most):
            rounds += 1
            clock.turn(hours=2)
            tokens = await asyncio.gather(*(loop.sign_in(connector.grant, held) for loop in loops))
            assert len({token.access for token in tokens}) == 1
            assert vendor.issuer.user(tokens[0].access) == vendor.user
    record_property("rounds", rounds)
    record_property("refreshers", 8)
    record_property("vendor_calls", vendor.asked("/oauth/token"))
    assert vendor.asked("/oauth/token") == rounds
    assert (await store.connections.get(row.id, None)).state != "needs_login"


def collecting(url: str, settings: Settings, clock: TurningClock) -> None:
    """A process that collects what is due, and dies before it has committed the new tokens."""
    arm("hub.before_token_commit", kill_at(1))
    asyncio.run(_collect(url, settings, clock))


async def _collect(url: str, settings: Settings, clock: TurningClock) -> None:
    store = await open_store(url, data=settings.data, parse=connectors.parse, vault=KEYS, clock=clock)
    await loop_of(store, settings, ours(clock), clock).once()


async def died(url: str, settings: Settings, clock: TurningClock) -> None:
    child = FORK.Process(target=collecting, args=(url, settings, clock))
    child.start()
    await asyncio.to_thread(child.join)
    assert child.exitcode == -9


@pytest.mark.parametrize("most", [2, pytest.param(2000, marks=pytest.mark.soak)])
async def test_killed_before_the_commit(
    store: Store,
    vendor: SmartcarSimulator,
    connector: Smartcar,
    clock: TurningClock,
    database_url: str,
    tmp_path: Path,
    most: int,
    record_property: Record,
) -> None:
    row, settings = await connected(store, vendor, clock), settings_of(vendor, tmp_path)
    vendor.issuer.grace = GRACE
    loop = loop_of(store, settings, connector, clock)
    await loop.once()
    vendor.calls[:] = []
    crashes = 0
    for _ in turns(most):
        crashes += 1
        clock.turn(hours=24)
        await died(database_url, settings, clock)
        clock.turn(seconds=20)
        async with asyncio.timeout(20), store.connections.token(row.id):
            pass  # a database server needs a moment to see that a process is dead
        assert await loop.once() >= 1
        after = await store.connections.get(row.id, None)
        assert (after.state, after.last_error) == ("ok", None)
    record_property("crashes_after_the_answer", crashes)
    record_property("accounts_lost", 0)
    record_property("vendor_calls", vendor.asked("/oauth/token"))
    assert vendor.asked("/oauth/token") == 2 * crashes
