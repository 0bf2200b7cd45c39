"""What charging is told, what it finds, and what it remembers between two observations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from wattledger.accounting import ZERO, Booking, Level
from wattledger.units import register_wh

NAMES = frozenset({
    "soc_pct", "charging_state", "is_charging", "plugged_in", "charge_kw", "energy_added_wh",
    "capacity_kwh", "odometer_km", "at_home",
})  # fmt: skip
"""the values of an observation that charging goes by"""
_STATES = {"CHARGING": True, "FULLY_CHARGED": False, "NOT_CHARGING": False}


class Verdict(StrEnum):
    """What one observation of a car was found to say."""

    PARKED = "parked"
    PLUGGED = "plugged in"
    BEGIN = "begin"
    CHARGING = "charging"
    RESUMED = "resumed"
    END = "end"
    UNPLUGGED = "unplugged"
    MOVED = "moved"
    SUSPECT = "suspect"
    LATE = "late"


class Method(StrEnum):
    """How a charge's energy is known."""

    COUNTER = "counter"
    SOC = "soc"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Battery:
    """What an owner says of a car; `efficiency` is the battery's share of what the wall gives."""

    capacity_wh: Decimal | None = None
    efficiency: Decimal = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation of a car, None for what it does not say. Energy in Wh, distance in km."""

    at: datetime
    soc: Decimal | None = None
    charging: bool | None = None
    plugged: bool | None = None
    kw: Decimal | None = None
    added: Decimal | None = None
    """the vendor's counter of the present or, unplugged, of the last plug-in"""
    capacity: Decimal | None = None
    odometer: Decimal | None = None
    home: bool | None = None
    contradicts: bool = False
    """whether it says at once that the car charges and that it is unplugged"""


@dataclass(frozen=True, slots=True)
class Charge:
    """A stretch of charging that one observation brought to light; `wh` is None where it is not known."""

    start: datetime
    end: datetime
    wh: Decimal | None
    method: Method
    soc_from: Decimal | None = None
    soc_to: Decimal | None = None
    session: int = 0
    """the plug-in to which it belongs"""


@dataclass(frozen=True, slots=True)
class Judged:
    """What an observation brought to light, and what is booked of it (or of what was held back before)."""

    verdict: Verdict
    charges: tuple[Charge, ...] = ()
    bookings: tuple[Booking, ...] = ()

    @property
    def wh(self) -> Decimal:
        """What was booked, 0 where nothing was."""
        return sum((booking.wh for booking in self.bookings), ZERO)


@dataclass(slots=True)
class State:
    """What is remembered between two observations; judging may go on from a stored one."""

    at: datetime | None = None
    """of the newest observation"""
    session: int = 0
    """plug-ins so far"""
    open: bool = False
    """whether a plug-in goes on, as far as is known"""
    plugged: bool | None = None
    charging: bool | None = None
    whole: bool = False
    """whether this plug-in's begin was seen"""
    begun: bool = False
    """whether this plug-in has charged"""
    told: bool = False
    """whether energy was found since charging was seen to begin"""
    since: datetime | None = None
    """charging before this is accounted for"""
    until: datetime | None = None
    """charging that is not accounted for yet ended by then"""
    live: bool = False
    """whether charging was seen since `since`"""
    steady: bool = False
    """whether it went on at `since` already"""
    quiet: datetime | None = None
    """when the car was last seen not charging"""
    kw: Decimal | None = None
    """the newest power while charging, told or else found"""
    soc: Decimal | None = None
    """the level from which a rise counts, per cent"""
    soc_read: Decimal | None = None
    """the state of charge when the counter was last read"""
    first_soc: Decimal | None = None
    first_at: datetime | None = None
    """the plug-in's first level, and from when on it may have charged"""
    counter: Level | None = None
    base: Decimal | None = None
    """the counter's value at which the plug-in began; None until a reading tells"""
    low: Level | None = None
    """a reading below the one before, not yet confirmed"""
    charged: Decimal = ZERO
    """Wh found in this plug-in, whatever the place"""
    counted: bool = False
    capacity: Decimal | None = None
    odometer: Decimal | None = None
    odometer_at: datetime | None = None
    soc_at: datetime | None = None
    opened: datetime | None = None
    """when the present plug-in was first heard of"""
    home_at: datetime | None = None
    home: bool | None = None
    """where the car is; None where it may have moved since that was said"""
    home_soc: Decimal | None = None
    """the state of charge when that was said"""
    held: tuple[Booking, ...] = ()
    """charges of this plug-in whose place is not known yet"""
    booked: Decimal = ZERO
    """sum of all bookings: what `spread` has to carry on from"""


def seen_of(at: datetime, values: Mapping[str, Any], home: bool | None = None) -> Seen | None:
    """What an observation's values say of charging; None where they say nothing.

    `home` is by the car's position; without one, the vendor's own `at_home` counts.
    """
    if home is None and not any(values.get(name) is not None for name in NAMES):
        return None
    charging = _STATES.get(str(values.get("charging_state")))
    if charging is None and "charging_state" not in values:
        charging = _bool(values.get("is_charging"))
    plugged = _bool(values.get("plugged_in"))
    contradicts = charging is True and plugged is False
    if contradicts:
        charging = plugged = None
    soc, capacity = register_wh(values.get("soc_pct")), register_wh(values.get("capacity_kwh"))
    return Seen(
        at,
        soc if soc is not None and soc <= 100 else None,
        charging,
        plugged,
        register_wh(values.get("charge_kw")),
        register_wh(values.get("energy_added_wh")),
        capacity * 1000 if capacity else None,
        register_wh(values.get("odometer_km")),
        _bool(values.get("at_home")) if home is None else home,
        contradicts,
    )


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
