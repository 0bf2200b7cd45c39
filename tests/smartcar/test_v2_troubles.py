"""What troubles of v2 lead to: for one car, for its account, for the whole application."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.smartcar.driver import Driver, driver_v2
from tests.turning import TurningClock
from wattledger.connectors.smartcar.errors import Then
from wattledger.errors import LoginRequired, Misconfigured, TryLater
from wattledger.faults import sabotage
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import second_car

BATCH = "/batch"


def paths_of(vendor: SmartcarSimulator) -> list[list[str]]:
    """What the batches asked for."""
    batches = (call for call in vendor.calls if call.path.endswith(BATCH))
    return [[item["path"] for item in call.json()["requests"]] for call in batches]


@pytest.mark.parametrize("code", ["AUTHENTICATION_FAILED", "PERMISSION"])
async def test_the_makers_account_asks_the_owner_without_a_refresh(
    v2: Driver, vendor: SmartcarSimulator, code: str
) -> None:
    vendor.script.error(BATCH, "CONNECTED_SERVICES_ACCOUNT", code)
    found = await v2.collect()
    assert isinstance(found.error, LoginRequired)
    assert vendor.asked("/oauth/token") == 1
    assert "trouble.json" in found.kinds
    await v2.collect()  # whoever resumes the connection finds the car due
    assert len(paths_of(vendor)) == 2
    assert v2.one().status["trouble"] is None


@pytest.mark.parametrize(
    ("type_", "code", "then", "hours", "firm"),
    [
        ("VEHICLE_STATE", "ASLEEP", Then.STATE, 2, False),
        ("VEHICLE_STATE", "UNREACHABLE", Then.STATE, 2, False),
        ("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED", Then.OWNER, 24, False),
        ("UPSTREAM", "RATE_LIMIT", Then.MAKER_PAUSE, 6, True),
        ("VALIDATION", "PARAMETER", Then.FAULT, 24, False),
        ("RATE_LIMIT", "VEHICLE", Then.PAUSE, 0.5, True),
    ],
)
async def test_troubles_of_a_car_that_stop_no_account(
    v2: Driver,
    vendor: SmartcarSimulator,
    clock: TurningClock,
    type_: str,
    code: str,
    then: Then,
    hours: float,
    firm: bool,
) -> None:
    vendor.script.error(BATCH, type_, code)
    found = await v2.collect()
    assert found.error is None
    car = v2.one()
    assert car.status["trouble"]["then"] == then
    assert (car.due, car.firm) == (clock.now() + timedelta(hours=hours), firm)
    clock.turn(minutes=3)
    await v2.collect(urgent=True)
    assert len(paths_of(vendor)) == (1 if firm else 2)


async def test_a_plan_that_is_used_up_ends_the_month(
    v2: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    vendor.script.error(BATCH, "BILLING", "VEHICLE_LIMIT")
    assert (await v2.collect()).error is None
    due = v2.one().due
    assert v2.one().firm
    assert due is not None
    assert (due.month, due.day) == (4, 1)


async def test_passing_faults_grow_and_are_the_accounts_when_nothing_answers(
    v2: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    vendor.script.error(BATCH, "SERVER", "INTERNAL", times=1)
    vendor.script.drop(BATCH, times=1)
    vendor.script.html(BATCH, times=1)
    pauses = []
    for _ in range(3):
        assert isinstance((await v2.collect()).error, TryLater)
        due = v2.one().due
        assert due is not None
        pauses.append((due - clock.now()) / timedelta(minutes=1))
        calls = len(vendor.calls)
        assert isinstance((await v2.collect()).error, TryLater)  # not asked, and no success either
        assert len(vendor.calls) == calls
        await v2.until_due()
    assert pauses == [30, 60, 120]
    assert (await v2.collect()).error is None
    assert v2.one().status["faults"] == 0


@pytest.mark.parametrize(
    "body", [b'{"responses": null}', b'{"responses": []}', b'{"responses": "none"}', b"{}"]
)
async def test_a_batch_without_any_path_is_no_success(
    v2: Driver, vendor: SmartcarSimulator, body: bytes
) -> None:
    vendor.script.raw(BATCH, body)
    assert isinstance((await v2.collect()).error, TryLater)
    assert v2.one().status["trouble"]["then"] == Then.LATER


async def test_a_sleeper_is_asked_ever_less_and_remembers_since_when(
    v2: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    vendor.script.error(BATCH, "VEHICLE_STATE", "ASLEEP", times=3)
    began, hours = clock.now().isoformat(), []
    for _ in range(3):
        await v2.collect()
        due = v2.one().due
        assert due is not None
        hours.append((due - clock.now()) / timedelta(hours=1))
        assert v2.one().status["asleep_since"] == began
        await v2.until_due()
    assert hours == [2, 4, 8]
    await v2.collect()
    assert v2.one().status["asleep_since"] is None


async def test_the_applications_limit_pauses_every_account(
    v2: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    vendor.script.exhaust(BATCH)
    found = await v2.collect()
    assert isinstance(found.error, TryLater)
    assert found.error.after is not None
    assert timedelta(minutes=2) <= found.error.after <= timedelta(minutes=4)
    calls = len(vendor.calls)
    assert isinstance((await v2.collect(urgent=True)).error, TryLater)
    assert len(vendor.calls) == calls
    clock.turn(minutes=4)
    assert (await v2.collect()).error is None
    assert "soc_pct" in v2.one().latest


async def test_sabotage_application_pause_is_noticed(v2: Driver, vendor: SmartcarSimulator) -> None:
    vendor.script.exhaust(BATCH)
    await v2.collect()
    calls = len(vendor.calls)
    with sabotage("application_pause"):
        v2.change(v2.one().external_id, due=None)
        await v2.collect()
    assert len(vendor.calls) > calls


async def test_a_refused_token_is_renewed_once(v2: Driver, vendor: SmartcarSimulator) -> None:
    await v2.collect()
    await v2.until_due()
    vendor.issuer.expire()
    found = await v2.collect()
    assert found.error is None
    assert vendor.asked("/oauth/token") == 2
    vendor.script.error(BATCH, "AUTHENTICATION", None, times=-1)
    await v2.until_due()
    asked = vendor.asked("/oauth/token")
    assert isinstance((await v2.collect()).error, LoginRequired)
    assert vendor.asked("/oauth/token") - asked <= 2
    assert not isinstance(found.error, Misconfigured)


async def with_second(vendor: SmartcarSimulator, clock: TurningClock) -> tuple[Driver, str, str]:
    vendor.add(second_car())
    driver = await driver_v2(vendor, clock)
    home, second = vendor.garage.vehicles
    return driver, home, second


TROUBLES: list[dict[str, Any]] = [
    {"type": "CONNECTED_SERVICES_ACCOUNT", "code": "AUTHENTICATION_FAILED"},
    {"type": "PERMISSION", "code": None},
    {"type": "RATE_LIMIT", "code": "VEHICLE"},
    {"type": "BILLING", "code": "VEHICLE_REQUEST_LIMIT"},
    {"type": "SERVER", "code": "INTERNAL"},
    {"type": "VEHICLE_STATE", "code": "ASLEEP"},
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda one: one["type"])
async def test_one_cars_trouble_touches_no_other(
    vendor: SmartcarSimulator, clock: TurningClock, trouble: dict[str, Any]
) -> None:
    driver, home, second = await with_second(vendor, clock)
    vendor.script.error(f"{home}{BATCH}", trouble["type"], trouble["code"])
    found = await driver.collect()
    assert found.error is None
    assert driver.known[home].status["trouble"]
    assert driver.known[second].status["trouble"] is None
    assert "soc_pct" in driver.known[second].latest


async def test_sabotage_car_isolation_is_noticed(vendor: SmartcarSimulator, clock: TurningClock) -> None:
    driver, home, second = await with_second(vendor, clock)
    vendor.script.drop(f"{home}{BATCH}")
    vendor.script.slow(f"{second}{BATCH}", 0.3)
    with sabotage("car_isolation"):
        await driver.collect()
    assert "soc_pct" not in driver.known[second].latest


async def test_a_car_that_is_no_longer_granted_is_gone(
    vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    driver, home, second = await with_second(vendor, clock)
    await driver.collect()
    vendor.link(second)
    clock.turn(days=1)
    batches = len(paths_of(vendor))
    assert (await driver.collect()).error is None
    assert driver.known[home].status["trouble"]["then"] == Then.GONE
    assert len(paths_of(vendor)) == batches + 1
    vendor.link()
    clock.turn(days=1)
    await driver.collect()
    assert driver.known[home].status["trouble"] is None


async def paused_for(v2: Driver, vendor: SmartcarSimulator, clock: TurningClock) -> timedelta:
    """How long a car is left alone after the vendor asked for two hours."""
    vendor.script.throttle(BATCH, 7200)
    await v2.collect()
    due = v2.one().due
    assert due is not None
    return due - clock.now()


async def test_the_vendors_pause_is_kept(v2: Driver, vendor: SmartcarSimulator, clock: TurningClock) -> None:
    assert await paused_for(v2, vendor, clock) == timedelta(hours=2)
    assert v2.one().firm
    assert v2.one().status["reason"] == "vendor"


async def test_sabotage_vendor_pause_is_noticed(
    v2: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    with sabotage("vendor_pause"):
        assert await paused_for(v2, vendor, clock) < timedelta(hours=2)


async def test_sabotage_owner_asked_is_noticed(v2: Driver, vendor: SmartcarSimulator) -> None:
    vendor.script.error(BATCH, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED")
    with sabotage("owner_asked"):
        assert (await v2.collect()).error is None


async def test_a_limit_within_a_batch_pauses_and_keeps_what_came(
    v2: Driver, vendor: SmartcarSimulator
) -> None:
    vendor.script.refuse("/odometer", "RATE_LIMIT", "VEHICLE", headers={"Retry-After": "3600"})
    assert (await v2.collect()).error is None
    assert v2.one().firm
    assert v2.one().status["trouble"] is None
    assert "soc_pct" in v2.one().latest


async def test_an_empty_list_alone_ends_no_account(
    v2: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    vendor.script.fail("/v2.0/vehicles", 200, {"vehicles": [], "paging": {"count": 0, "offset": 0}})
    assert (await v2.collect()).error is None
    assert "soc_pct" in v2.one().latest
    clock.turn(hours=1)
    await v2.collect()
    assert v2.one().status["listed_at"] == clock.now().isoformat()


async def test_an_account_whose_cars_were_all_taken_back_asks_the_owner(
    vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    v2 = await driver_v2(vendor, clock)
    vendor.garage.drop(vendor.user)  # the grant's tokens live on
    found = await v2.collect()
    assert isinstance(found.error, LoginRequired)
    assert v2.one().status["trouble"]["then"] == Then.PERMISSION
