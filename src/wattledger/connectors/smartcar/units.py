"""Smartcar's units, which differ by date, make and generation: normalised by table, unknown ones refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

MILE = 1.609344
"""kilometres"""

PERCENT: Mapping[str, float] = dict.fromkeys(("percent", "percentage", "pct", "%"), 1.0)
KILOMETRES: Mapping[str, float] = {
    **dict.fromkeys(("km", "kilometer", "kilometers", "kilometre", "kilometres"), 1.0),
    **dict.fromkeys(("mi", "mile", "miles"), MILE),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 0.001),
}
KILOWATT_HOURS: Mapping[str, float] = {
    **dict.fromkeys(("kwh", "kwhr", "kilowatthour", "kilowatthours"), 1.0),
    **dict.fromkeys(("wh", "whr", "watthour", "watthours"), 0.001),
}
WATT_HOURS: Mapping[str, float] = {unit: factor * 1000 for unit, factor in KILOWATT_HOURS.items()}
KILOWATTS: Mapping[str, float] = {
    **dict.fromkeys(("kw", "kilowatt", "kilowatts"), 1.0),
    **dict.fromkeys(("w", "watt", "watts"), 0.001),
}
VOLTS: Mapping[str, float] = dict.fromkeys(("v", "volt", "volts"), 1.0)
AMPERES: Mapping[str, float] = dict.fromkeys(("a", "amp", "amps", "ampere", "amperes"), 1.0)
MINUTES: Mapping[str, float] = {
    **dict.fromkeys(("", "min", "mins", "minute", "minutes"), 1.0),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1 / 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 60.0),
}
"""the only kind of number whose unit may be missing: the vendor documents minutes"""

SYSTEMS: Mapping[str, float] = {"": 1.0, "metric": 1.0, "imperial": MILE}
"""v2: kilometres in one unit of distance, by `sc-unit-system`; metric is what we ask for"""
_JOINTS = re.compile(r"[\s_-]+")


def factor(unit: str, units: Mapping[str, float]) -> float | None:
    """By what a number in this unit is multiplied; None for a unit that isn't known."""
    return units.get(_JOINTS.sub("", unit).casefold())


def tidy(value: float) -> float:
    """Without the dust that multiplying leaves behind."""
    return round(value, 4)
