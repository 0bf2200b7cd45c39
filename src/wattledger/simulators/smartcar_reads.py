"""Single reads of v2: what a path answers for a vehicle, who may ask it, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wattledger.simulators.driving import State
from wattledger.simulators.smartcar_errors import REQUEST, STATUS, v2_error
from wattledger.simulators.smartcar_garage import Grant, Vehicle
from wattledger.simulators.smartcar_vendor import Vendor, stamp

MILE = 1.609344
KM_A_KWH = 1 / 0.172
Made = Callable[[Vehicle, State, float], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Read:
    """What a path needs and makes; `made` takes vehicle, newest report, km per distance unit."""

    permission: str | None
    made: Made
    billed: bool = True
    aged: bool = True
    """whether the answer tells when the car recorded it"""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one path, alone or within a batch."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


def _attributes(vehicle: Vehicle, _state: State, _unit: float) -> dict[str, Any]:
    return vehicle.attributes


def _battery(vehicle: Vehicle, state: State, unit: float) -> dict[str, Any]:
    left = state.soc * vehicle.car.habits.capacity * KM_A_KWH / unit
    return {"percentRemaining": round(state.soc, vehicle.digits), "range": round(left, 1)}


def _capacity(vehicle: Vehicle, _state: State, _unit: float) -> dict[str, Any]:
    kwh = vehicle.car.habits.capacity
    known = [{"capacity": kwh, "description": None}]
    return {"availableCapacities": known, "capacity": {"nominal": kwh, "source": "SMARTCAR"}, "url": None}


def _charge(_vehicle: Vehicle, state: State, _unit: float) -> dict[str, Any]:
    return {"isPluggedIn": state.plugged, "state": state.word}


READS: dict[str, Read] = {
    "/": Read("read_vehicle_info", _attributes, aged=False),
    "/vin": Read("read_vin", lambda v, _s, _u: {"vin": v.vin}, aged=False),
    "/battery": Read("read_battery", _battery),
    "/battery/nominal_capacity": Read("read_battery", _capacity, aged=False),
    "/battery/capacity": Read("read_battery", lambda v, _s, _u: {"capacity": v.car.habits.capacity}),
    "/charge": Read("read_charge", _charge),
    "/charge/limit": Read("read_charge", lambda v, _s, _u: {"limit": v.car.habits.limit}),
    "/location": Read(
        "read_location",
        lambda _v, s, _u: {"latitude": round(s.latitude, 6), "longitude": round(s.longitude, 6)},
    ),
    "/odometer": Read("read_odometer", lambda _v, s, u: {"distance": round(s.odometer / u, 2)}),
}


def read(vendor: Vendor, grant: Grant, path: str, units: str) -> Answer:
    """What one path answers now; the call is counted."""
    vehicle, now = grant.vehicle, vendor.clock.now()
    known = READS.get(path)
    if part := vendor.script.part(vehicle.id, path):
        vendor.spend(vehicle.id)
        return refused(part.type, part.code, dict(part.headers), **part.more)
    if known is None:
        return refused("RESOURCE_NOT_FOUND", "PATH")
    if known.billed and not vendor.spend(vehicle.id):
        return refused("BILLING", "VEHICLE_REQUEST_LIMIT")
    if hindrance := _hindrance(vendor, grant, path, known):
        return refused(*hindrance)
    imperial = units == "imperial" or vehicle.imperial
    state = vehicle.seen(now)
    body = vehicle.fixed.get(path) or known.made(vehicle, state, MILE if imperial else 1.0)
    headers: dict[str, str | None] = {"sc-request-id": REQUEST}
    if known.aged:
        headers["sc-data-age"] = stamp(state.at)
        headers["sc-fetched-at"] = stamp(vehicle.fetched(now))
        headers["sc-unit-system"] = "imperial" if imperial else "metric"
    headers |= vehicle.headers.get(path, {})
    return Answer(200, body, {name: value for name, value in headers.items() if value is not None})


def refused(type: str, code: str | None, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    """An error of the vendor."""
    return Answer(more.get("statusCode", STATUS[type]), v2_error(type, code, **more), headers or {})


def _hindrance(vendor: Vendor, grant: Grant, path: str, known: Read) -> tuple[str, str | None] | None:
    vehicle = grant.vehicle
    if vehicle.trouble:
        return vehicle.trouble
    if known.permission not in (None, *grant.permissions):
        return "PERMISSION", None
    if path in vehicle.incapable:
        return "COMPATIBILITY", "VEHICLE_NOT_CAPABLE"
    if vehicle.refuses_asleep and known.aged and vehicle.car.state_at(vendor.clock.now()).asleep:
        return "VEHICLE_STATE", "ASLEEP"
    return None
