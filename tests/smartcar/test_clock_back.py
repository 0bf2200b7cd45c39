"""A clock that was ahead for a while stops no car and no account once it is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.smartcar.test_road import connected, connector, loop_of, settings_of, store
from tests.turning import TurningClock
from wattledger.collect import Collector
from wattledger.connectors.smartcar import Smartcar
from wattledger.connectors.smartcar.fetch import Memory
from wattledger.faults import sabotage
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.store import Store

__all__ = ["connector", "store"]


async def billed_after_a_wrong_clock(
    store: Store, vendor: SmartcarSimulator, clock: TurningClock, loop: Collector
) -> int:
    """Calls once a clock is right again that was a week ahead; all tokens are refused by then."""
    (car,) = vendor.garage.vehicles
    await loop.once()
    clock.turn(days=7)
    await loop.once()
    clock.turn(days=-7, hours=1)
    vendor.issuer.expire()
    vendor.app.expire()
    before = vendor.billed(car)
    await loop.once()
    return vendor.billed(car) - before


@pytest.mark.parametrize("api", ["v2", "v3"])
async def test_a_clock_that_was_ahead_holds_no_car_up(
    store: Store,
    vendor: SmartcarSimulator,
    connector: Smartcar,
    clock: TurningClock,
    tmp_path: Path,
    api: str,
) -> None:
    row = await connected(store, vendor, clock, api)
    loop = loop_of(store, settings_of(vendor, tmp_path, api), connector, clock)
    assert await billed_after_a_wrong_clock(store, vendor, clock, loop) > 0
    assert (await store.connections.get(row.id, None)).state == "ok"


def test_a_pause_of_the_application_by_a_clock_that_was_ahead_is_over(clock: TurningClock) -> None:
    memory = Memory()
    memory.pause("vendor", clock.turn(days=7), None)
    assert memory.left("vendor", clock.now()) is not None
    assert memory.left("vendor", clock.turn(days=-7)) is None


async def test_sabotage_clock_back_is_noticed_by_cars(
    store: Store, vendor: SmartcarSimulator, connector: Smartcar, clock: TurningClock, tmp_path: Path
) -> None:
    await connected(store, vendor, clock)
    loop = loop_of(store, settings_of(vendor, tmp_path), connector, clock)
    with sabotage("clock_back"):
        assert await billed_after_a_wrong_clock(store, vendor, clock, loop) == 0
