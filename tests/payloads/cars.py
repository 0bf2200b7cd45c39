"""A car's week as v3 tells it: half-hourly signals of driving and of charging at night and elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.payloads.smartcar import CAR, HOME, listed, payload, signal
from wattledger.connectors.smartcar.parse import SIGNALS
from wattledger.model import Payload

ELSEWHERE = {"latitude": 30.5083, "longitude": -97.6789}
CODES = {
    "soc": ("tractionbattery-stateofcharge", "percent"),
    "range": ("tractionbattery-range", "km"),
    "state": ("charge-detailedchargingstatus", None),
    "plugged": ("charge-ischargingcableconnected", None),
    "kw": ("charge-wattage", "kilowatts"),
    "added": ("charge-energyadded", "kWh"),
    "km": ("odometer-traveleddistance", "km"),
}


def told(at: datetime, where: dict[str, float] | None = None, car: str = CAR, **values: Any) -> Payload:
    """What a car says at one instant."""
    times = {"oemUpdatedAt": at.isoformat(), "retrievedAt": at.isoformat()}
    items = [signal(CODES[name][0], _body(name, value), meta=times) for name, value in values.items()]
    if where is not None:
        items.append(signal("location-preciselocation", {**where, "locationType": "LAST_PARKED"}, meta=times))
    made = _said(items, car)
    return replace(made, received_at=at + timedelta(minutes=1), private=where is not None)


def _body(name: str, value: Any) -> dict[str, Any]:
    unit = CODES[name][1]
    return {"value": value, "unit": unit} if unit else {"value": value}


def _said(items: list[dict[str, Any]], car: str) -> Payload:
    about = {"id": car, "type": "vehicle", "attributes": {"make": "POLESTAR", "model": "2", "year": 2023}}
    return payload(listed(*items, included={"vehicle": about}), SIGNALS, car)


def size_of(at: datetime, kwh: float, car: str = CAR) -> Payload:
    """What it says of its battery."""
    times = {"oemUpdatedAt": at.isoformat(), "retrievedAt": at.isoformat()}
    body = {"capacity": kwh, "availableCapacities": [], "source": "SMARTCAR", "unit": "kWh"}
    item = signal("tractionbattery-nominalcapacity", body, meta=times)
    return replace(_said([item], car), received_at=at + timedelta(minutes=1))


def night(start: datetime, km: int, counter: bool = True, car: str = CAR) -> Iterator[Payload]:
    """From the evening on: home with 50 %, plugged in after an hour, 15 kWh by 7.5 kW, off in the morning."""

    def say(
        minutes: int, soc: int, state: str, plugged: bool, added: float, kw: float | None = None
    ) -> Payload:
        more: dict[str, Any] = {"added": added} if counter else {}
        if kw is not None and counter:
            more["kw"] = kw
        values = {"soc": soc, "range": soc * 4, "state": state, "plugged": plugged, "km": km, **more}
        return told(start + timedelta(minutes=minutes), HOME, car, **values)

    yield say(0, 50, "NOT_CHARGING", False, 15)
    yield say(60, 50, "NOT_CHARGING", True, 0)
    for n in range(1, 4):
        yield say(60 + 30 * n, 50 + 6 * n, "CHARGING", True, 3.75 * n, 7.5)
    yield say(180, 74, "FULLY_CHARGED", True, 15)
    yield say(600, 74, "NOT_CHARGING", False, 15)


def trip(start: datetime, km: int, car: str = CAR) -> Iterator[Payload]:
    """A day elsewhere with a quick charge of 20 kWh."""

    def say(minutes: int, soc: int, state: str, plugged: bool, added: float) -> Payload:
        at = start + timedelta(minutes=minutes)
        return told(
            at, ELSEWHERE, car, soc=soc, range=soc * 4, state=state, plugged=plugged, km=km, added=added
        )

    yield say(0, 60, "NOT_CHARGING", False, 15)
    yield say(30, 75, "CHARGING", True, 10)
    yield say(60, 88, "NOT_CHARGING", False, 20)


def week(now: datetime, car: str = CAR, counter: bool = True) -> list[Payload]:
    """Seven nights at home and, with a counter, one charge on the road; the newest a while before now."""
    start = now - timedelta(days=7, hours=11)
    found = [size_of(start - timedelta(minutes=5), 60, car)]
    for n in range(7):
        gone = 20_000 + 40 * n + (100 if n > 3 and counter else 0)
        found += night(start + timedelta(days=n), gone, counter, car)
        if n == 3 and counter:
            found += trip(start + timedelta(days=n, hours=14), gone + 60, car)
    return found
