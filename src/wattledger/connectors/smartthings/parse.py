"""What a SmartThings payload says. Pure.

A payload's file name is its kind (a file of another name is taken for a saved device list), its headers
carry what the bytes alone don't say:

    devices.json   a page of the device list, with or without statuses    places
    status.json    one device's status                                    places, device
    health.json    one device's health                                    places, device
    event.json      one event that was pushed                             places, device
    trouble        what came instead of a status, or nothing at all       places, device, status, reason

A usage point is `deviceId/component`. Each attribute has its own timestamp, so a payload gives one
observation for each (usage point, instant). Names of values:

    register_wh     a lifetime counter, decimal text as reported; None where it was unusable
    delta_wh        the vendor's own difference, decimal text as reported
    report_start    ISO instants of the report; its end is its identity
    report_end
    register        which register: powerConsumptionReport or energyMeter
    power_w         W, also where a device sends kW
    temperature_c   room temperature, setpoint_c what was asked for; Celsius
    humidity_pct    percent; filter_used_pct too
    switch          on or off; mode keeps its word while a unit is off
    mode, fan_mode, option, filter      the vendor's words
    health          ONLINE, OFFLINE, UNHEALTHY or UNKNOWN, on `main`
    fetch_code      on `main`: the HTTP status of a device that could not be read, None without an answer
    fetch_message   why, for people
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wattledger.connectors.reading import mapping
from wattledger.connectors.smartthings.devices import (
    Device,
    Places,
    device_of,
    from_header,
    main_measures,
    point_of,
)
from wattledger.connectors.smartthings.energy import Values
from wattledger.connectors.smartthings.events import event_of
from wattledger.connectors.smartthings.reading import load
from wattledger.connectors.smartthings.status import MAIN, Component, components, health, inline
from wattledger.errors import BadPayload
from wattledger.model import Observation, Parsed, Payload, Rejected, UsagePoint

DEVICES, STATUS, HEALTH, TROUBLE = "devices.json", "status.json", "health.json", "trouble"
EVENT = "event.json"


@dataclass(slots=True)
class _Reading:
    """What has been read so far of one payload."""

    received: datetime
    places: Places
    points: dict[str, UsagePoint] = field(default_factory=dict)
    moments: dict[tuple[str, datetime], Values] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    blank: int = 0

    def point(self, device: Device, component: str) -> str:
        """The external id of a usage point, which from now on is one."""
        name = device.point(component)
        if name not in self.points:
            self.points[name] = point_of(device, component, self.places)
        return name

    def put(self, point: str, at: datetime, values: Values) -> None:
        self.moments.setdefault((point, at), {}).update(values)

    def refuse(self, reason: str) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def parsed(self) -> Parsed:
        index = {name: n for n, name in enumerate(self.points)}
        return Parsed(
            points=list(self.points.values()),
            observations=[Observation(index[name], at, said) for (name, at), said in self.moments.items()],
            rejected=[Rejected(1, why, n, (1,) * min(n, 100)) for why, n in self.refused.items()],
            rows=self.blank + sum(self.refused.values()),
            blank=self.blank,
            kind="status",
        )


def parse(payload: Payload) -> Parsed:
    """Usage points and observations. Raises BadPayload for bytes or headers that can't be read."""
    read = READERS.get(payload.filename or "", _devices)
    reading = _Reading(payload.received_at, Places.from_header(payload.headers.get("places")))
    read(reading, payload)
    return reading.parsed()


def _devices(reading: _Reading, payload: Payload) -> None:
    items = load(payload.body).get("items")
    if not isinstance(items, list):
        raise BadPayload("The device list has no items.", "no_items")
    for item in items:
        device = device_of(item)
        if device is None:
            reading.refuse("a device without a usable id")
            continue
        said = inline(item)
        if main_measures(item):
            reading.point(device, MAIN)
        _status_of(reading, device, said)
        if device.point(MAIN) in reading.points:
            _health_of(reading, device, mapping(item.get("healthState") or item.get("health")))


def _status(reading: _Reading, payload: Payload) -> None:
    said = load(payload.body).get("components")
    if not isinstance(said, dict):
        raise BadPayload("The status has no components.", "no_components")
    _status_of(reading, from_header(payload.headers.get("device")), said)


def _health(reading: _Reading, payload: Payload) -> None:
    _health_of(reading, from_header(payload.headers.get("device")), load(payload.body))


def _trouble(reading: _Reading, payload: Payload) -> None:
    device = from_header(payload.headers.get("device"))
    status = payload.headers.get("status", "")
    values: Values = {
        "fetch_code": int(status) if status.isdecimal() else None,
        "fetch_message": payload.headers.get("reason", ""),
    }
    reading.put(reading.point(device, MAIN), payload.received_at, values)


def _event(reading: _Reading, payload: Payload) -> None:
    """An event is of a usage point that polling found: whatever it says counts."""
    event, device = event_of(load(payload.body)), from_header(payload.headers.get("device"))
    if event is None or event.device != device.id:
        reading.refuse("an event that says nothing of this device")
    elif event.health:
        _health_of(reading, device, event.said)
    else:
        for name, component in components(event.said, reading.received).items():
            _component_of(reading, device, name, component)


def _status_of(reading: _Reading, device: Device, said: Mapping[str, Any]) -> None:
    for name, component in components(said, reading.received).items():
        if not (component.measured or (name == MAIN and component.measuring)):
            continue
        _component_of(reading, device, name, component)


def _component_of(reading: _Reading, device: Device, name: str, component: Component) -> None:
    point = reading.point(device, name)
    for at, values in component.moments.items():
        reading.put(point, at, values)
    reading.blank += component.blank
    for reason in component.rejected:
        reading.refuse(reason)


def _health_of(reading: _Reading, device: Device, said: Mapping[str, Any]) -> None:
    if found := health(said, reading.received):
        reading.put(reading.point(device, MAIN), *found)


READERS: Mapping[str, Callable[[_Reading, Payload], None]] = {
    DEVICES: _devices,
    STATUS: _status,
    HEALTH: _health,
    EVENT: _event,
    TROUBLE: _trouble,
}
