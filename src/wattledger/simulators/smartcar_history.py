"""What the simulated Smartcar would have answered before: of v2 many batches as one, of v3 one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from wattledger.simulators.driving import State
from wattledger.simulators.smartcar_garage import Grant, Vehicle
from wattledger.simulators.smartcar_reads import READS
from wattledger.simulators.smartcar_signals import resource
from wattledger.simulators.smartcar_vendor import Vendor, stamp

MINUTE = timedelta(minutes=1)
PATHS = ("/battery", "/charge", "/location", "/odometer")


def moments(vehicle: Vehicle, start: datetime, end: datetime) -> list[datetime]:
    """When a car begins something else, a minute before it charges, and every half-hour of charging."""
    before = {
        leg.start - MINUTE for leg in vehicle.car.legs(start, end) if leg.power and start < leg.start - MINUTE
    }
    return sorted({*vehicle.car.changes(start, end), *(when for when in before if when < end)})


def batches(vehicle: Vehicle, moments: Iterable[datetime], paths: Sequence[str] = PATHS) -> bytes:
    """A batch answer with each path once for every moment, as the car recorded it then."""
    entries = [_entry(vehicle, vehicle.car.state_at(when), path) for when in moments for path in paths]
    return json.dumps({"responses": entries}).encode()


def signals(vendor: Vendor, grant: Grant, when: datetime, codes: Iterable[str]) -> bytes:
    """The list of signals at that moment."""
    data = [resource(vendor, grant, code, when) for code in codes]
    meta = {"totalCount": len(data), "pageSize": len(data), "pageNumber": 1}
    return json.dumps({"data": data, "meta": meta}).encode()


def _entry(vehicle: Vehicle, state: State, path: str) -> dict[str, Any]:
    headers = {"sc-data-age": stamp(state.at), "sc-unit-system": "metric"}
    return {"path": path, "code": 200, "body": READS[path].made(vehicle, state, 1.0), "headers": headers}
