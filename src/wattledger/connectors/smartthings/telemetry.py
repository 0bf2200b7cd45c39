"""What a component says besides energy: temperatures in Celsius, humidity, modes, switch, filter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from wattledger.connectors.reading import mapping, number, rows
from wattledger.connectors.smartthings.reading import instant, text

Reader = Callable[[Mapping[str, Any]], str | float | None]
LONGEST_WORD = 60


def celsius(attribute: Mapping[str, Any]) -> float | None:
    """Degrees Celsius, from Fahrenheit where the unit says so."""
    degrees = number(attribute.get("value"))
    if degrees is None:
        return None
    fahrenheit = text(attribute.get("unit")).lstrip("°").casefold() in {"f", "fahrenheit"}
    return round((degrees - 32) * 5 / 9, 2) if fahrenheit else degrees


def percent(attribute: Mapping[str, Any]) -> float | None:
    """A share between 0 and 100."""
    share = number(attribute.get("value"))
    return share if share is not None and 0 <= share <= 100 else None


def word(attribute: Mapping[str, Any]) -> str | None:
    """A short text."""
    return text(attribute.get("value"))[:LONGEST_WORD] or None


READERS: tuple[tuple[str, str, str, Reader], ...] = (
    ("switch", "switch", "switch", word),
    ("mode", "airConditionerMode", "airConditionerMode", word),
    ("fan_mode", "airConditionerFanMode", "fanMode", word),
    ("temperature_c", "temperatureMeasurement", "temperature", celsius),
    ("setpoint_c", "thermostatCoolingSetpoint", "coolingSetpoint", celsius),
    ("humidity_pct", "relativeHumidityMeasurement", "humidity", percent),
    ("option", "custom.airConditionerOptionalMode", "acOptionalMode", word),
    ("filter_used_pct", "custom.dustFilter", "dustFilterUsage", percent),
    ("filter", "custom.dustFilter", "dustFilterStatus", word),
)
"""(our name, capability, attribute, how it is read)"""


def telemetry(
    component: Mapping[str, Any], received: datetime
) -> Iterator[tuple[datetime, str, str | float]]:
    """(when, name, value) of what is known; disabled capabilities say nothing, not even their zeros."""
    off = disabled(component, "Capabilities")
    for name, capability, attribute, read in READERS:
        said = mapping(mapping(component.get(capability)).get(attribute))
        value = None if capability in off else read(said)
        if value is not None:
            yield instant(said.get("timestamp"), received) or received, name, value


def disabled(component: Mapping[str, Any], what: str) -> frozenset[str]:
    """What a component lists as present but not real: `Capabilities`, or on main `Components`."""
    listed = mapping(mapping(component.get(f"custom.disabled{what}")).get(f"disabled{what}")).get("value")
    return frozenset(name for name in rows(listed) if isinstance(name, str))
