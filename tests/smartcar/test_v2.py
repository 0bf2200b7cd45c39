"""Collecting in v2: which paths are asked, what each answer leads to, and that no car disturbs another."""

from __future__ import annotations

from datetime import timedelta

from tests.smartcar.driver import Driver, driver_v2
from tests.turning import TurningClock
from wattledger.connectors.smartcar.errors import Then
from wattledger.errors import LoginRequired
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import PERMISSIONS

BATCH = "/batch"


def paths_of(vendor: SmartcarSimulator) -> list[list[str]]:
    """What the batches asked for."""
    batches = (call for call in vendor.calls if call.path.endswith(BATCH))
    return [[item["path"] for item in call.json()["requests"]] for call in batches]


async def test_a_first_collection_names_the_car_and_reads_all(
    v2: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    found = await v2.collect()
    assert found.error is None
    assert found.kinds == ["batch.json", "vehicle.json", "vehicles.json"]
    latest = {name: value for name, (value, _) in v2.one().latest.items()}
    assert {"soc_pct", "charging_state", "plugged_in", "odometer_km", "capacity_kwh"} <= latest.keys()
    batch = next(payload for payload in found.payloads if payload.filename == "batch.json")
    assert batch.private
    assert batch.headers["timezone"] == "America/Chicago"
    assert batch.headers["make"] == "TESLA"
    assert v2.one().calls == vendor.billed(v2.one().external_id) == 7
    (call,) = (call for call in vendor.calls if call.path.endswith(BATCH))
    assert call.headers["sc-unit-system"] == "metric"
    assert v2.one().status["success_at"] == clock.now().isoformat()
    assert "latitude" not in latest


async def test_what_hardly_changes_is_asked_rarely(v2: Driver, vendor: SmartcarSimulator) -> None:
    for _ in range(3):
        await v2.collect()
        await v2.until_due()
    first, *others = paths_of(vendor)
    assert len(first) == 6
    assert all(set(others_) <= {"/battery", "/charge", "/location", "/odometer"} for others_ in others)
    assert vendor.asked("/v2.0/vehicles") - len(paths_of(vendor)) == 2  # the list, and one name


async def test_a_location_that_its_owner_keeps_is_not_asked(v2: Driver, vendor: SmartcarSimulator) -> None:
    v2.change(v2.one().external_id, options={"location": False})
    found = await v2.collect()
    assert "/location" not in paths_of(vendor)[0]
    assert not any(payload.private for payload in found.payloads)


async def test_a_car_that_is_not_due_is_left_alone(v2: Driver, vendor: SmartcarSimulator) -> None:
    await v2.collect()
    due, status, calls = v2.one().due, v2.one().status, len(vendor.calls)
    found = await v2.collect()
    assert found.error is None
    assert (v2.one().due, v2.one().status) == (due, status)
    assert len(vendor.calls) == calls


async def test_a_click_asks_earlier_but_not_within_two_minutes(
    v2: Driver, vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    await v2.collect()
    await v2.collect(urgent=True)
    assert len(paths_of(vendor)) == 1
    clock.turn(minutes=2)
    await v2.collect(urgent=True)
    assert len(paths_of(vendor)) == 2


async def test_one_missing_permission_discards_nothing_else(
    vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    given = [name for name in PERMISSIONS if name != "read_location"]
    v2 = await driver_v2(vendor, clock, permissions=given)
    found = await v2.collect()
    assert found.error is None
    assert "soc_pct" in v2.one().latest
    assert v2.one().status["missing"] == ["/location"]
    assert v2.one().status["trouble"] is None
    week = clock.now() + timedelta(days=6)
    while clock.now() < week:
        await v2.until_due()
        await v2.collect()
    assert all("/location" not in paths for paths in paths_of(vendor)[1:])
    vendor.link()  # granted meanwhile
    clock.turn(days=2)
    await v2.collect()
    assert "/location" in paths_of(vendor)[-1]
    assert v2.one().status["missing"] == []


async def test_what_a_car_cannot_tell_is_asked_once(v2: Driver, vendor: SmartcarSimulator) -> None:
    vendor.garage.vehicles[v2.one().external_id].incapable = {"/odometer", "/charge/limit"}
    for _ in range(10):
        await v2.collect()
        await v2.until_due()
    assert v2.one().status["incapable"] == ["/charge/limit", "/odometer"]
    assert sum("/odometer" in paths for paths in paths_of(vendor)) == 1


async def test_every_path_without_permission_asks_the_owner(
    vendor: SmartcarSimulator, clock: TurningClock
) -> None:
    v2 = await driver_v2(vendor, clock, permissions=["read_vin"])
    found = await v2.collect()
    assert isinstance(found.error, LoginRequired)
    assert not found.error.renewable
    assert v2.one().status["trouble"]["then"] == Then.PERMISSION
    calls = len(vendor.calls)
    assert isinstance((await v2.collect()).error, LoginRequired)  # said again, and not asked again
    assert len(vendor.calls) == calls
