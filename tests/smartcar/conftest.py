"""A simulated Smartcar with a clock that stands, and an account of each generation."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.smartcar.driver import Driver, driver_v2, driver_v3
from tests.turning import TurningClock
from wattledger.simulators.smartcar import SmartcarSimulator


@pytest.fixture
def clock() -> TurningClock:
    return TurningClock()


@pytest.fixture
async def vendor(clock: TurningClock) -> AsyncIterator[SmartcarSimulator]:
    async with SmartcarSimulator(clock=clock) as simulator:
        yield simulator


@pytest.fixture
async def v2(vendor: SmartcarSimulator, clock: TurningClock) -> Driver:
    return await driver_v2(vendor, clock)


@pytest.fixture
async def v3(vendor: SmartcarSimulator, clock: TurningClock) -> Driver:
    return await driver_v3(vendor, clock)
