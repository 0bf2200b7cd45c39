"""Makers of SmartThings answers: reports, statuses, devices, and the payloads that carry them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wattledger.connectors.smartthings.devices import Device, Place, Places, to_header
from wattledger.connectors.smartthings.parse import STATUS
from wattledger.model import Payload, Source

RECEIVED = datetime(2026, 7, 4, 12, 5, tzinfo=UTC)
START, END = "2026-07-04T11:45:00Z", "2026-07-04T12:00:00Z"
STAMP = "2026-07-04T12:00:00.404Z"
LOCATION, ROOM = "397678e5-9995-4a39-9d9f-ae6ba310236b", "7715151d-0314-457a-a82c-5ce48900e065"
DEVICE = Device("96a5ef74-5832-a84b-f1f7-ca799957065d", "AC Office", LOCATION, ROOM)
PLACES = Places("UTC", {LOCATION: Place("Home", "America/Chicago", {ROOM: "Office"})})


def attribute(value: Any, unit: str | None = None, timestamp: str | None = STAMP) -> dict[str, Any]:
    """One attribute as a status has it."""
    said = {"value": value, "unit": unit, "timestamp": timestamp}
    return {key: v for key, v in said.items() if v is not None or key == "value"}


def report(energy: Any = 13836, delta: Any = 27, **more: Any) -> dict[str, Any]:
    """A power consumption report; `more` replaces keys, None leaves one out."""
    said = {"energy": energy, "deltaEnergy": delta, "start": START, "end": END, **more}
    return {key: value for key, value in said.items() if value is not None}


def reported(value: Any, timestamp: str | None = STAMP) -> dict[str, Any]:
    """The capability that carries a report."""
    return {"powerConsumptionReport": {"powerConsumption": attribute(value, timestamp=timestamp)}}


def air_conditioner(value: Any = None, **more: Any) -> dict[str, Any]:
    """A component of an air conditioner; `more` are capabilities by name."""
    return {
        **reported(report() if value is None else value),
        "switch": {"switch": attribute("on")},
        "airConditionerMode": {"airConditionerMode": attribute("cool")},
        "airConditionerFanMode": {"fanMode": attribute("low", timestamp="2026-07-04T09:14:39.249Z")},
        "temperatureMeasurement": {"temperature": attribute(25, "C")},
        **more,
    }


def payload(
    body: Any, kind: str = STATUS, device: Device | None = DEVICE, places: Places = PLACES, **headers: str
) -> Payload:
    """A payload as a collection makes it; `body` is JSON, or bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"device": to_header(device)} if device else {}
    about: Mapping[str, str] = {"places": places.to_header(), **named, **headers}
    return Payload("smartthings", Source.POLL, raw, RECEIVED, filename=kind, headers=about)


def status(main: Any, **components: Any) -> Payload:
    """A status payload."""
    return payload({"components": {"main": main, **components}})


def device(
    id: str, label: str = "AC", capabilities: Any = ("powerConsumptionReport",), **more: Any
) -> dict[str, Any]:
    """An item of a device list."""
    listed = [{"id": name, "version": 1} for name in capabilities]
    return {
        "deviceId": id,
        "label": label,
        "name": "[room a/c] Samsung",
        "locationId": LOCATION,
        "roomId": ROOM,
        "components": [{"id": "main", "capabilities": listed}],
        **more,
    }


def saved_list() -> bytes:
    """A device list with statuses, as somebody may have saved it."""
    said = {**air_conditioner(), "energyMeter": {"energy": attribute(-1, "kWh")}}
    listed = [{"id": name, "version": 1, "status": capability} for name, capability in said.items()]
    item = {**device("a"), "components": [{"id": "main", "capabilities": listed}]}
    return json.dumps({"items": [item, {"deviceId": None}], "_links": {}}).encode()
