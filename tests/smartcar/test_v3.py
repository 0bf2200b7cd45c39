"""Collecting in v3: subscribed first, one call a look, only what succeeded counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.smartcar.driver import Driver, driver_v3
from tests.turning import TurningClock
from wattledger.connectors.smartcar.errors import Then
from wattledger.errors import LoginRequired, Misconfigured, TryLater
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import second_car
from wattledger.simulators.smartcar_vendor import Webhook

SIGNALS = "/signals"


def hours_until(driver: Driver) -> float:
    due = driver.one().due
    assert due is not None
    return (due - driver.clock.now()) / timedelta(hours=1)


async def test_a_first_collection_subscribes_and_reads_all(v3: Driver, vendor: SmartcarSimulator) -> None:
    found = await v3.collect()
    assert found.error is None
    assert found.kinds == ["connections.json", "signals.json"]
    car = v3.one()
    assert vendor.subscribed(car.external_id)
    assert car.status["subscription"]["webhook"] == vendor.webhooks[0].id
    assert {"soc_pct", "odometer_km", "plugged_in"} <= car.latest.keys()
    assert car.calls == vendor.billed(car.external_id) == 1
    assert hours_until(v3) == 6
    (call,) = (call for call in vendor.calls if call.path.endswith(SIGNALS))
    assert call.headers["sc-user-id"] == vendor.user
    signals = next(payload for payload in found.payloads if payload.filename == "signals.json")
    assert signals.private
    assert signals.headers["vehicle"] == car.external_id


async def test_the_subscription_is_checked_daily(
    v3: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    await v3.collect()
    vendor.unsubscribe(vendor.webhooks[0].id, v3.one().external_id)
    await v3.until_due()
    await v3.collect()
    assert vendor.subscriptions == []
    clock.turn(days=1)
    await v3.collect()
    assert len(vendor.subscriptions) == 1
    clock.turn(days=1)
    await v3.collect()  # 409: it is there
    assert v3.one().status["subscription"]["webhook"]


@pytest.mark.parametrize(
    ("hooks", "named", "subscribed"),
    [(0, None, False), (1, None, True), (2, None, False), (2, "the-second", True), (1, "unknown", False)],
)
async def test_which_webhook_it_is(
    vendor: SmartcarSimulator, clock: TurningClock, hooks: int, named: str | None, subscribed: bool
) -> None:
    vendor.webhooks = [Webhook("the-first"), Webhook("the-second"), Webhook("off", enabled=False)]
    vendor.webhooks = vendor.webhooks[:hooks] + vendor.webhooks[2:]
    v3 = await driver_v3(vendor, clock, **({"webhook_id": named} if named else {}))
    await v3.collect()
    assert bool(vendor.subscriptions) is subscribed
    note = v3.one().status["subscription"]
    assert bool(note["webhook"]) is subscribed
    assert subscribed or note["error"]


async def test_a_store_without_anything_is_no_success(v3: Driver, vendor: SmartcarSimulator) -> None:
    vendor.webhooks = []
    pauses = []
    for _ in range(4):
        found = await v3.collect()
        assert found.error is None
        assert "signals.json" in found.kinds
        assert v3.one().status["trouble"]["then"] == Then.EMPTY
        assert "success_at" not in v3.one().status
        pauses.append(hours_until(v3))
        await v3.until_due()
    assert pauses == [0.5, 1, 2, 12]
    assert v3.one().latest == {}


async def test_only_newer_signals_are_a_success(
    v3: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    await v3.collect()
    first = v3.one().status["success_at"]
    vendor.garage.vehicles[v3.one().external_id].newest = clock.now()
    await v3.until_due()
    await v3.collect()
    assert v3.one().status["success_at"] == first
    assert v3.one().status["trouble"] is None


async def test_single_errors_are_noted_and_stop_nothing(v3: Driver, vendor: SmartcarSimulator) -> None:
    vendor.script.refuse("odometer-traveleddistance", "PERMISSION", "UNKNOWN")
    vendor.script.refuse("connectivitystatus-isasleep", "COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
    vendor.script.refuse("charge-wattage", "VEHICLE_STATE", "NOT_CHARGING")
    vendor.script.refuse("charge-voltage", "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED")
    assert (await v3.collect()).error is None
    status = v3.one().status
    assert status["missing"] == ["odometer-traveleddistance"]
    assert "connectivitystatus-isasleep" in status["incapable"]
    assert status["trouble"] is None
    assert "soc_pct" in v3.one().latest
    await v3.until_due()
    await v3.collect()
    assert v3.one().status["missing"] == []


async def test_a_location_that_its_owner_keeps_is_taken_out(v3: Driver) -> None:
    v3.change(v3.one().external_id, options={"location": False})
    found = await v3.collect()
    signals = next(payload for payload in found.payloads if payload.filename == "signals.json")
    assert b"latitude" not in signals.body
    assert not signals.private


async def test_a_list_that_leaves_some_out_is_completed_singly(v3: Driver, vendor: SmartcarSimulator) -> None:
    vendor.subscribe(vendor.webhooks[0].id, vendor.user, v3.one().external_id)
    vendor.script.fail(f"{SIGNALS}", 200, {"data": [], "meta": {"totalCount": 25}})
    found = await v3.collect()
    assert "soc_pct" in v3.one().latest
    assert v3.one().calls == 7
    assert found.kinds.count("signals.json") >= 5
    assert v3.one().status["trouble"] is None


async def test_the_applications_token_is_renewed_once_and_then_ours_is_the_fault(
    v3: Driver, vendor: SmartcarSimulator
) -> None:
    await v3.collect()
    await v3.until_due()
    vendor.app.expire()
    assert (await v3.collect()).error is None
    await v3.until_due()
    vendor.script.error(SIGNALS, "AUTHENTICATION", "UNAUTHORIZED", times=-1, v3=True)
    found = await v3.collect()
    assert isinstance(found.error, Misconfigured)
    assert "SMARTCAR_API_CLIENT_SECRET" in str(found.error)


async def test_an_account_that_was_taken_back_asks_the_owner(
    v3: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    await v3.collect()
    vendor.link(user="somebody-else", external_id="x")
    vendor.unlink(vendor.user)
    await v3.until_due()
    found = await v3.collect()
    assert isinstance(found.error, LoginRequired)
    assert v3.one().status["trouble"]["then"] == Then.GONE


async def test_a_refusal_of_a_car_that_is_listed_is_no_lost_account(
    vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    vendor.add(second_car())
    v3 = await driver_v3(vendor, clock)
    home, second = vendor.garage.vehicles
    vendor.script.error(f"{home}{SIGNALS}", "PERMISSION", None, v3=True)
    assert (await v3.collect()).error is None
    assert v3.known[home].status["trouble"]["then"] == Then.PERMISSION
    assert "soc_pct" in v3.known[second].latest


ERRORS: list[tuple[str, str, Then, float, bool]] = [
    ("RESOURCE_NOT_FOUND", "VEHICLE_NOT_FOUND", Then.UNKNOWN_CAR, 1, False),
    ("RATE_LIMIT", "VEHICLE", Then.PAUSE, 0.5, True),
    ("VALIDATION", "MISSING_PARAMETER", Then.FAULT, 24, False),
    ("VEHICLE_STATE", "UNREACHABLE", Then.STATE, 2, False),
]


@pytest.mark.parametrize(("type_", "code", "then", "hours", "firm"), ERRORS)
async def test_errors_of_whole_answers(
    v3: Driver, vendor: SmartcarSimulator, type_: str, code: str, then: Then, hours: float, firm: bool
) -> None:
    vendor.script.error(SIGNALS, type_, code, v3=True)
    assert (await v3.collect()).error is None
    assert v3.one().status["trouble"]["then"] == then
    assert (hours_until(v3), v3.one().firm) == (hours, firm)


async def test_the_applications_limit_pauses_all(v3: Driver, vendor: SmartcarSimulator) -> None:
    vendor.script.exhaust("/v3/connections", v3=True)
    found = await v3.collect()
    assert isinstance(found.error, TryLater)
    assert found.error.after is not None
    assert vendor.asked(SIGNALS) == 0


async def test_a_list_that_fails_stops_no_car(
    v3: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    vendor.script.html("/v3/connections", status=502)
    assert (await v3.collect()).error is None
    assert "soc_pct" in v3.one().latest
    assert vendor.asked("/v3/connections") == 1
    clock.turn(hours=1)
    await v3.collect()
    assert vendor.asked("/v3/connections") == 2


async def test_a_simulated_account_is_listed_as_one(vendor: SmartcarSimulator, clock: TurningClock) -> None:
    vendor.link(mode="simulated", external_id="x")
    v3 = await driver_v3(vendor, clock, mode="simulated")
    vendor.link(mode="simulated", external_id="x")
    found = await v3.collect()
    assert found.error is None
    assert v3.one().status["trouble"] is None
