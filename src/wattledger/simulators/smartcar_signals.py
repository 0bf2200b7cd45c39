"""Signals of a vehicle in v3 and in webhooks: successes, and errors that still carry an old value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wattledger.simulators.driving import VOLTS, State
from wattledger.simulators.smartcar_errors import signal_error
from wattledger.simulators.smartcar_garage import Grant, Vehicle
from wattledger.simulators.smartcar_reads import KM_A_KWH
from wattledger.simulators.smartcar_vendor import Vendor, stamp

Body = dict[str, Any]
LOOK_BACK = timedelta(days=21)
NOT_CHARGING = ("VEHICLE_STATE", "NOT_CHARGING")
NOT_CAPABLE = ("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
NOT_ALLOWED = ("PERMISSION", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Signal:
    """One code: its name and group as the vendor writes them, the permission it needs, and its body."""

    name: str
    group: str
    permission: str
    body: Callable[[Vehicle, State], Body]
    while_charging: bool = False
    """whether it is an error with an old value while the car doesn't charge"""
    timeless: bool = False
    """whether it has no time of the car's own"""

    @property
    def code(self) -> str:
        """As in a path."""
        return f"{self.group}-{self.name}".lower()


def _plain(
    value: Callable[[Vehicle, State], Any], unit: str | None = None
) -> Callable[[Vehicle, State], Body]:
    def body(vehicle: Vehicle, state: State) -> Body:
        return {"value": value(vehicle, state), **({"unit": unit} if unit else {})}

    return body


def _range(vehicle: Vehicle, state: State) -> Body:
    km = round(state.soc * vehicle.car.habits.capacity * KM_A_KWH)
    return {"value": km, "type": "DEFAULT", "additionalValues": [], "unit": "km"}


def _capacity(vehicle: Vehicle, _state: State) -> Body:
    kwh = vehicle.car.habits.capacity
    return {"capacity": kwh, "availableCapacities": [], "source": "SMARTCAR", "unit": "kWh"}


def _limits(vehicle: Vehicle, _state: State) -> Body:
    percent = round(vehicle.car.habits.limit * 100)
    return {"values": [{"type": "GLOBAL", "limit": percent}], "activeLimit": percent, "unit": "percent"}


def _location(_vehicle: Vehicle, state: State) -> Body:
    kind = "CURRENT" if state.driving else "LAST_PARKED"
    return {
        "latitude": round(state.latitude, 6),
        "longitude": round(state.longitude, 6),
        "locationType": kind,
    }


_BATTERY = (
    ("StateOfCharge", _plain(lambda _, s: round(s.soc * 100), "percent")),
    ("Range", _range),
    ("NominalCapacity", _capacity),
)
_CHARGE = (
    ("IsCharging", _plain(lambda _, s: s.charging)),
    ("IsChargingCableConnected", _plain(lambda _, s: s.plugged)),
    ("DetailedChargingStatus", _plain(lambda _, s: s.word)),
    ("EnergyAdded", _plain(lambda _, s: round(s.added, 2), "kWh")),
    ("ChargeLimits", _limits),
    ("IsFastChargerPresent", _plain(lambda _, s: s.fast)),
)
_CHARGING = (
    ("Wattage", _plain(lambda _, s: round(s.power * 1000), "watts")),
    ("Voltage", _plain(lambda _, s: VOLTS, "volts")),
    ("Amperage", _plain(lambda _, s: round(s.power * 1000 / VOLTS), "ampere")),
    ("TimeToComplete", _plain(lambda _, s: s.minutes_left, "minute")),
)
_CONNECTIVITY = (("IsAsleep", _plain(lambda _, s: s.asleep)), ("IsOnline", _plain(lambda _, s: True)))
_LOCATION = (("PreciseLocation", _location), ("IsAtHome", _plain(lambda _, s: s.at_home)))

_ALL = (
    *(Signal(name, "TractionBattery", "read_battery", body) for name, body in _BATTERY),
    *(Signal(name, "Charge", "read_charge", body) for name, body in _CHARGE),
    *(Signal(name, "Charge", "read_charge", body, while_charging=True) for name, body in _CHARGING),
    *(Signal(name, "ConnectivityStatus", "read_vehicle_info", body) for name, body in _CONNECTIVITY),
    *(Signal(name, "Location", "read_location", body) for name, body in _LOCATION),
    Signal("TraveledDistance", "Odometer", "read_odometer", _plain(lambda _, s: round(s.odometer, 1), "km")),
    Signal("StateOfCharge", "LowVoltageBattery", "read_battery", _plain(lambda _, s: 87, "percent")),
    Signal("VIN", "VehicleIdentification", "read_vin", _plain(lambda v, _: v.vin), timeless=True),
)
SIGNALS: dict[str, Signal] = {signal.code: signal for signal in _ALL}


def resource(vendor: Vendor, grant: Grant, code: str, now: datetime) -> dict[str, Any]:
    """A signal as v3 lists it."""
    made = item(vendor, grant, code, now, milliseconds=vendor.milliseconds)
    meta = made.pop("meta")
    written = stamp(now) if not vendor.milliseconds else round(now.timestamp() * 1000)
    here = f"{vendor.url}/v3/vehicles/{grant.vehicle.id}/signals/{code}"
    return {
        "id": code,
        "type": "signal",
        "attributes": made,
        "meta": {"ingestedAt": written, **meta},
        "links": {"self": here},
    }


def item(
    vendor: Vendor, grant: Grant, code: str, now: datetime, *, milliseconds: bool = True
) -> dict[str, Any]:
    """A signal as a webhook has it: code, name, group, status, body, meta."""
    signal, vehicle = SIGNALS[code], grant.vehicle
    state = vehicle.seen(now)
    error = _error(vendor, grant, signal, state)
    if error in (NOT_CAPABLE, NOT_ALLOWED):
        return {**_named(signal), "status": _failed(error), "meta": {}}
    if error == NOT_CHARGING:
        state = last_charging(vehicle, state)
    body = vehicle.fixed.get(code) or signal.body(vehicle, state)
    times = {"retrievedAt": vehicle.fetched(now), "oemUpdatedAt": state.at}
    meta = {name: _time(when, milliseconds) for name, when in times.items()}
    status = _failed(error) if error else {"value": "SUCCESS"}
    return {**_named(signal), "status": status, "body": body, "meta": {} if signal.timeless else meta}


def known(vehicle: Vehicle, codes: Iterable[str] | None = None) -> list[str]:
    """The codes that a vehicle's store has."""
    return [code for code in (SIGNALS if codes is None else codes) if code in SIGNALS]


def last_charging(vehicle: Vehicle, state: State) -> State:
    """The state just before the newest charging ended."""
    ended = [leg.end for leg in vehicle.car.legs(state.at - LOOK_BACK, state.at) if leg.power]
    return vehicle.car.state_at(min(ended[-1], state.at) - timedelta(minutes=2)) if ended else state


def _error(vendor: Vendor, grant: Grant, signal: Signal, state: State) -> tuple[str, str | None] | None:
    vehicle = grant.vehicle
    if part := vendor.script.part(vehicle.id, signal.code):
        return part.type, part.code
    if signal.permission not in grant.permissions:
        return NOT_ALLOWED
    if signal.code in vehicle.incapable:
        return NOT_CAPABLE
    if vehicle.trouble:
        return vehicle.trouble
    return NOT_CHARGING if signal.while_charging and not state.charging else None


def _named(signal: Signal) -> dict[str, Any]:
    return {"code": signal.code, "name": signal.name, "group": signal.group}


def _failed(error: tuple[str, str | None]) -> dict[str, Any]:
    return {"value": "ERROR", "error": signal_error(error[0], error[1] or "UNKNOWN")}


def _time(when: datetime, milliseconds: bool) -> str | int:
    return round(when.timestamp() * 1000) if milliseconds else stamp(when)
