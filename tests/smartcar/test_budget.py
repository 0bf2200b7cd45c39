"""A month of a car by the vendor's own count, and calls that are counted before they are made."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import pytest

from tests.smartcar.driver import Driver, driver_v2, driver_v3
from tests.turning import TurningClock
from wattledger.errors import LoginRequired, Misconfigured
from wattledger.faults import arm, disarm, sabotage
from wattledger.simulators.smartcar import SmartcarSimulator

CLICKS_EVERY = 7
"""each so many rounds a person asks as well"""


async def month(driver: Driver, vendor: SmartcarSimulator) -> tuple[int, list[float]]:
    """Collect from now to the month's end. Returns the vendor's count and the pauses in minutes."""
    clock, car = driver.clock, driver.one().external_id
    label, rounds = f"{clock.now():%Y-%m}", 0
    while f"{clock.now():%Y-%m}" == label:
        found = await driver.collect(urgent=rounds % CLICKS_EVERY == 3)
        assert not isinstance(found.error, LoginRequired | Misconfigured)
        rounds += 1
        due = driver.one().due
        assert due is not None
        if rounds % CLICKS_EVERY == 3 and due - clock.now() > timedelta(minutes=5):
            clock.turn(minutes=5)
        else:
            await driver.until_due()
    asked = sorted({at for at, id, _ in driver.spends if id == car and f"{at:%Y-%m}" == label})
    minutes = [(later - sooner) / timedelta(minutes=1) for sooner, later in itertools.pairwise(asked)]
    return vendor.billed(car, label), minutes


@pytest.mark.parametrize("monthly", [500, 60])
async def test_a_month_of_v2_stays_within_its_calls(
    vendor: SmartcarSimulator, clock: TurningClock, monthly: int
) -> None:
    v2 = await driver_v2(vendor, clock, monthly_calls=monthly)
    vendor.garage.vehicles[v2.one().external_id].refuses_asleep = True
    vendor.script.error("/batch", "SERVER", "INTERNAL", times=2)
    billed, pauses = await month(v2, vendor)
    assert min(pauses) >= 2
    assert monthly * 0.3 < billed <= monthly
    assert v2.one().status["reason"] in {"budget", "interval", "asleep"}


async def test_a_month_of_v3_stays_far_within_its_calls(
    vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    v3 = await driver_v3(vendor, clock)
    billed, _ = await month(v3, vendor)
    assert 80 < billed < 200


async def overspent(vendor: SmartcarSimulator, clock: TurningClock) -> bool:
    v2 = await driver_v2(vendor, clock, monthly_calls=20)
    for _ in range(30):
        await v2.collect(urgent=True)
        clock.turn(minutes=30)
    return vendor.billed(v2.one().external_id) > 20


async def test_clicks_end_with_the_month(vendor: SmartcarSimulator, clock: TurningClock) -> None:
    assert not await overspent(vendor, clock)


async def test_sabotage_call_budget_overspends(vendor: SmartcarSimulator, clock: TurningClock) -> None:
    with sabotage("call_budget"):
        assert await overspent(vendor, clock)


async def test_background_leaves_a_reserve_for_clicks(vendor: SmartcarSimulator, clock: TurningClock) -> None:
    v2 = await driver_v2(vendor, clock)
    await v2.collect()
    car = v2.one().external_id
    v2.change(car, calls=450, due=clock.now())
    await v2.collect()
    assert v2.one().calls == 450
    assert not v2.one().firm
    assert v2.one().status["reason"] == "budget"
    clock.turn(minutes=10)
    await v2.collect(urgent=True)
    assert 450 < v2.one().calls <= 456
    v2.change(car, calls=499)
    clock.turn(minutes=10)
    await v2.collect(urgent=True)
    assert (v2.one().calls, v2.one().firm) == (499, True)


async def uncounted(driver: Driver, vendor: SmartcarSimulator) -> int:
    """Calls that the vendor counted and we did not, after a death in the middle of a batch."""
    vendor.script.slow("/batch", 0.3)
    task = asyncio.create_task(driver.collect())
    while not vendor.asked("/batch"):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.4)
    return vendor.billed(driver.one().external_id) - driver.one().calls


async def test_calls_are_counted_before_they_are_made(v2: Driver, vendor: SmartcarSimulator) -> None:
    assert await uncounted(v2, vendor) <= 0


async def test_sabotage_spend_first_is_noticed(v2: Driver, vendor: SmartcarSimulator) -> None:
    with sabotage("spend_first"):
        assert await uncounted(v2, vendor) > 0


async def test_a_death_before_the_call_repeats_nothing_at_once(
    v2: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    class Died(BaseException):
        """Nothing of ours catches it."""

    def die() -> None:
        raise Died

    arm("smartcar.before_call", die)
    try:
        with pytest.raises(Died):
            await v2.collect()
    finally:
        disarm()
    calls = v2.one().calls
    assert (await v2.collect()).error is None
    assert v2.one().calls == calls
    clock.turn(minutes=30)
    await v2.collect()
    assert "soc_pct" in v2.one().latest
