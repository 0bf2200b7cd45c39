"""A device's status: what each of its components said, grouped by the instant at which it said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartthings.energy import Values, energy
from wattledger.connectors.smartthings.reading import instant, text
from wattledger.connectors.smartthings.telemetry import disabled, telemetry

MAIN = "main"
MEASURING = frozenset(
    {"powerConsumptionReport", "energyMeter", "powerMeter", "airConditionerMode", "airConditionerFanMode"}
)
"""capabilities that make a component a usage point"""
MEASURED = frozenset({"register_wh", "delta_wh", "power_w", "mode", "fan_mode"})
HEALTHS = frozenset({"ONLINE", "OFFLINE", "UNHEALTHY", "UNKNOWN"})


@dataclass(slots=True)
class Component:
    """What one component said: values by instant, and what could not be used."""

    moments: dict[datetime, Values] = field(default_factory=dict)
    blank: int = 0
    rejected: list[str] = field(default_factory=list)
    measuring: bool = False
    """whether it has a capability that makes it a usage point"""

    def put(self, at: datetime, values: Values) -> None:
        """Add what was said at an instant."""
        self.moments.setdefault(at, {}).update(values)

    @property
    def measured(self) -> bool:
        """Whether it said anything that makes it a usage point."""
        return any(MEASURED & said.keys() for said in self.moments.values())


def components(status: Mapping[str, Any], received: datetime) -> dict[str, Component]:
    """By component id, from `{"main": {capability: {attribute: {value, unit, timestamp}}}}`."""
    off = disabled(mapping(status.get(MAIN)), "Components")
    return {
        name: _component(said, received, quiet=name in off)
        for key, said in status.items()
        if (name := text(key)) and isinstance(said, dict)
    }


def _component(said: Mapping[str, Any], received: datetime, *, quiet: bool) -> Component:
    """A disabled component's telemetry is not real; its energy counts as far as it is usable."""
    counted = energy(said, received)
    found = Component(blank=counted.blank, rejected=counted.rejected, measuring=bool(MEASURING & said.keys()))
    for at, values in counted.moments:
        found.put(at, values)
    for at, name, value in () if quiet else telemetry(said, received):
        found.put(at, {name: value})
    return found


def inline(device: Mapping[str, Any]) -> dict[str, Any]:
    """The status that a device list carries, in the form of a status answer; empty where it carries none."""
    found: dict[str, Any] = {}
    for component in rows(device.get("components")):
        said = {
            capability["id"]: capability["status"]
            for capability in rows(mapping(component).get("capabilities"))
            if isinstance(capability, dict)
            and isinstance(capability.get("id"), str)
            and isinstance(capability.get("status"), dict)
        }
        if said:
            found[text(mapping(component).get("id"))] = said
    return found


def health(said: Mapping[str, Any], received: datetime) -> tuple[datetime, Values] | None:
    """(since when, `health`) of a health answer or a list's `healthState`; None where it says nothing."""
    state = text(said.get("state")).upper()
    if state not in HEALTHS:
        return None
    return instant(said.get("lastUpdatedDate"), received) or received, {"health": state}
