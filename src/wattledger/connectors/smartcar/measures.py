"""How single values are read, in both generations: a number in its bounds, a yes or no, a word, a position.

What is null was not said, and is passed over; what is wrong is not recorded, and a note says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattledger.connectors.reading import number
from wattledger.connectors.smartcar.reading import text, word
from wattledger.connectors.smartcar.record import Moment
from wattledger.connectors.smartcar.units import factor, tidy

STATES = frozenset({"CHARGING", "FULLY_CHARGED", "NOT_CHARGING"})
UNKNOWN = "UNKNOWN"
MOST: Mapping[str, float] = {
    "soc_pct": 100.0,
    "charge_limit_pct": 100.0,
    "low_voltage_soc_pct": 100.0,
    "range_km": 5_000.0,
    "odometer_km": 10_000_000.0,
    "capacity_kwh": 2_000.0,
    "charge_kw": 5_000.0,
    "charge_voltage": 5_000.0,
    "charge_amperage": 10_000.0,
    "energy_added_wh": 10_000_000.0,
    "time_to_complete_min": 100_000.0,
}
"""by name: above this no car's value can be; below 0 none can"""


def quantity(moment: Moment, name: str, said: Any, scale: float = 1.0) -> None:
    """A number times `scale`, from 0 to the most that its name allows."""
    if said is None:
        return
    found = number(said)
    if found is None:
        moment.note("no number")
    elif not 0 <= (value := tidy(found * scale)) <= MOST[name]:
        moment.note(f"{name} is out of bounds")
    else:
        moment.put(name, value)


def measured(moment: Moment, name: str, said: Any, unit: Any, units: Mapping[str, float]) -> None:
    """A number in the unit beside it; a missing unit is an unknown one, unless the table has it."""
    if said is None:
        return
    scale = factor(text(unit), units)
    if scale is None:
        named = f"unit {text(unit)[:30]!r} is not known" if text(unit) else "no unit, so its meaning is open"
        moment.note(f"{named}; not recorded")
    else:
        quantity(moment, name, said, scale)


def yes_or_no(moment: Moment, name: str, said: Any) -> None:
    """True or false; never a number or a word."""
    if isinstance(said, bool):
        moment.put(name, said)
    elif said is not None:
        moment.note("neither true nor false")


def state(moment: Moment, said: Any) -> str | None:
    """A charging state; UNKNOWN for words that are not ours, None for what is no word."""
    found = word(said)
    if not found:
        if said is not None:
            moment.note("no word")
        return None
    if found in STATES:
        return found
    if found != UNKNOWN:
        moment.note(f"charging state {found[:30]!r} is not known")
    return UNKNOWN


def position(moment: Moment, said: Mapping[str, Any]) -> None:
    """Both coordinates or none: (0, 0) only where both zeros were said."""
    raw = said.get("latitude"), said.get("longitude")
    if raw == (None, None):
        return
    latitude, longitude = map(number, raw)
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        moment.note("no position on Earth")
        return
    moment.put("latitude", latitude)
    moment.put("longitude", longitude)
