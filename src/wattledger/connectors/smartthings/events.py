"""One event of the stream: what it says, in the form of a status.

    {"eventTime": ms, "eventType": "DEVICE_EVENT", "deviceEvent": {deviceId, componentId, capability,
     attribute, value, unit, ...}}
    {"eventTime": ms, "eventType": "DEVICE_HEALTH_EVENT", "deviceHealthEvent": {deviceId, status, ...}}

An event knows nothing of its neighbours. So energy is taken only from reports that name their end and whose
register has moved: which register counts can't be told otherwise, and polling brings the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattledger.connectors.reading import mapping
from wattledger.connectors.smartthings.energy import METER, REPORT
from wattledger.connectors.smartthings.reading import identifier, text
from wattledger.connectors.smartthings.status import MAIN
from wattledger.connectors.smartthings.telemetry import READERS
from wattledger.units import register_wh

HEALTH = "healthCheck"
READ = frozenset({REPORT, "powerMeter", HEALTH, *(capability for _, capability, _, _ in READERS)})


@dataclass(frozen=True, slots=True)
class Event:
    """A change of one attribute, or of a device's health."""

    device: str
    component: str
    capability: str
    said: Mapping[str, Any]
    """as a status has it, or a health answer"""

    @property
    def energy(self) -> bool:
        """Whether it reports energy or power."""
        return self.capability in {REPORT, METER, "powerMeter"}

    @property
    def health(self) -> bool:
        """Whether it is about the device's health."""
        return self.capability == HEALTH


def event_of(said: Mapping[str, Any]) -> Event | None:
    """What an event says; None where nothing of it is read."""
    when, told = said.get("eventTime"), mapping(said.get("deviceHealthEvent"))
    if device := identifier(told.get("deviceId")):
        state = {"state": told.get("status") or told.get("state"), "lastUpdatedDate": when}
        return Event(device, MAIN, HEALTH, state)
    told = mapping(said.get("deviceEvent"))
    device, capability = identifier(told.get("deviceId")), text(told.get("capability"))
    if device is None or capability not in READ or capability == HEALTH:
        return None
    if capability == REPORT and not _whole(told.get("value")):
        return None
    component = text(told.get("componentId")) or MAIN
    attribute = {"value": told.get("value"), "unit": told.get("unit"), "timestamp": when}
    status = {component: {capability: {text(told.get("attribute")): attribute}}}
    return Event(device, component, capability, status)


def _whole(report: Any) -> bool:
    """Whether a report names its end, and its register has moved."""
    register = mapping(report).get("energy")
    moved = None if isinstance(register, str) else register_wh(register)
    return moved is not None and moved > 0 and bool(mapping(report).get("end"))
