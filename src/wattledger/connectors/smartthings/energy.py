"""What a component says of its energy and power: which register counts, in which unit.

A vendor's report beats a plain meter as long as its own register has moved; the plain meter is the better
source where the report is null or stands at 0. Disabled capabilities are heeded for telemetry alone: some
units list working reports as disabled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from wattledger.connectors.reading import mapping, number
from wattledger.connectors.smartthings.reading import instant, text
from wattledger.units import register_wh

REPORT, METER = "powerConsumptionReport", "energyMeter"
WH = {"wh": Decimal(1), "kwh": Decimal(1000), "mwh": Decimal(1_000_000), "": Decimal(1000)}
"""units of a plain meter; where it names none it counts kWh, as the capability is defined"""
WATTS = {"w": 1.0, "kw": 1000.0, "": 1.0}
KW_RATIO = (300.0, 3000.0)
KW_MOST = 30.0
_ANY = datetime(2200, 1, 1, tzinfo=UTC)

Values = dict[str, str | float | int | bool | None]


@dataclass(slots=True)
class Energy:
    """What was found: values by their instant, and what could not be used."""

    moments: list[tuple[datetime, Values]] = field(default_factory=list)
    blank: int = 0
    rejected: list[str] = field(default_factory=list)


def energy(component: Mapping[str, Any], received: datetime) -> Energy:
    """The register and the power of one component's status."""
    found = Energy()
    metered = _meter(component, received, found)
    reported = _report(component, received, found)
    moved = reported is not None and (register_wh(reported[1].get("register_wh")) or 0) > 0
    chosen = reported if moved or metered is None else metered
    if chosen:
        found.moments.append(chosen)
    if power := _power_meter(component, received):
        found.moments.append(power)
        if chosen:
            chosen[1].pop("power_w", None)
    elif reported and chosen is metered and "power_w" in reported[1]:
        found.moments.append((reported[0], {"power_w": reported[1]["power_w"]}))
    return found


def _report(
    component: Mapping[str, Any], received: datetime, found: Energy
) -> tuple[datetime, Values] | None:
    attribute = mapping(mapping(component.get(REPORT)).get("powerConsumption"))
    if "value" not in attribute:
        return None
    said = attribute["value"]
    if said is None:
        found.blank += 1
        return None
    if not isinstance(said, dict):
        found.rejected.append("the power consumption report is no object")
        return None
    end = instant(said.get("end"), received) or instant(attribute.get("timestamp"), received)
    values = _registers(said, end is not None, found)
    watts = report_watts(said)
    if watts is not None:
        values["power_w"] = watts
    if not values:
        found.blank += 1
        return None
    start = instant(said.get("start"), received)
    values |= {"report_start": start.isoformat()} if start else {}
    values |= {"report_end": end.isoformat()} if end else {}
    return end or received, {**values, "register": REPORT}


def _registers(said: Mapping[str, Any], identified: bool, found: Energy) -> Values:
    """Register and delta as reported; a bad register stands as None, so that it gets its verdict.

    A report that names no instant can't be told from its repetition: its delta is left out.
    """
    values: Values = {}
    for name, key in (("register_wh", "energy"), ("delta_wh", "deltaEnergy")):
        raw = said.get(key)
        if raw is None or (key == "deltaEnergy" and not identified):
            continue
        exact = None if isinstance(raw, str) else register_wh(raw)
        values[name] = None if exact is None else str(exact)
        if exact is None:
            found.rejected.append(f"{key} is negative, no number or too large")
    return values


def report_watts(said: Mapping[str, Any]) -> float | None:
    """The power of a report in W, though its unit is named nowhere and some devices send kW.

    kW where the energy counted from power is a thousandth of the delta, and for a fraction below 30 unless
    the delta's mean power is about that many W. Whole numbers are W.
    """
    power = number(said.get("power"))
    if power is None or power < 0:
        return None
    return power * 1000 if power and _kilowatts(power, said) else power


def _kilowatts(power: float, said: Mapping[str, Any]) -> bool:
    delta, integral = number(said.get("deltaEnergy")) or 0.0, number(said.get("powerEnergy")) or 0.0
    if delta > 0 and integral > 0 and KW_RATIO[0] < delta / integral < KW_RATIO[1]:
        return True
    if power.is_integer() or power >= KW_MOST:
        return False
    mean = _mean_watts(delta, said)
    return mean is None or mean > 3 * power


def _mean_watts(delta: float, said: Mapping[str, Any]) -> float | None:
    """The delta's mean power; None without a delta or its interval."""
    start, end = instant(said.get("start"), _ANY), instant(said.get("end"), _ANY)
    if not delta or start is None or end is None or end <= start:
        return None
    return delta * 3600 / (end - start).total_seconds()


def _meter(component: Mapping[str, Any], received: datetime, found: Energy) -> tuple[datetime, Values] | None:
    attribute = mapping(mapping(component.get(METER)).get("energy"))
    if "value" not in attribute:
        return None
    if attribute["value"] is None:
        found.blank += 1
        return None
    factor = WH.get(text(attribute.get("unit")).casefold())
    exact = None if isinstance(attribute["value"], str) else register_wh(attribute["value"])
    if factor is None or exact is None:
        found.rejected.append("the meter's energy is negative, no number, or in an unknown unit")
        return None
    at = instant(attribute.get("timestamp"), received) or received
    return at, {"register_wh": f"{exact * factor:f}", "register": METER}


def _power_meter(component: Mapping[str, Any], received: datetime) -> tuple[datetime, Values] | None:
    attribute = mapping(mapping(component.get("powerMeter")).get("power"))
    power, factor = number(attribute.get("value")), WATTS.get(text(attribute.get("unit")).casefold())
    if power is None or factor is None:
        return None
    return instant(attribute.get("timestamp"), received) or received, {"power_w": power * factor}
