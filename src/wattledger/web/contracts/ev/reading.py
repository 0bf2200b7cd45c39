"""A car's newest values, and its observations, as the contract's five keys and more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from wattledger.secrets import SecretUnreadable
from wattledger.store import Store
from wattledger.store.observed.observations import Position, Said
from wattledger.web.contracts.ev.cars import Car, keeps_location

STATES = ("CHARGING", "FULLY_CHARGED", "NOT_CHARGING")
EXTRAS = (
    "plugged_in", "range_km", "odometer_km", "capacity_kwh", "charge_limit_pct",
    "charge_kw", "energy_added_wh", "time_to_complete_min",
)  # fmt: skip
NAMES = ("soc_pct", "charging_state", *EXTRAS)
STALE_AFTER = timedelta(hours=1)
"""twice the pause between two readings of a car that is not charging"""


async def newest(store: Store, car: Car) -> dict[str, Said]:
    """By name: the newest value that the car said."""
    point = await store.points.get(car.row.id, car.row.site)
    return (await store.observations.latest([point])).get(point.n, {})


async def place_of(store: Store, car: Car) -> Position | None:
    """Where the car was last, and when; None where its owner does not want that known."""
    if not keeps_location(car.row):
        return None
    try:
        return await store.observations.position(car.row)
    except SecretUnreadable:
        return None


def reading(said: Mapping[str, Said], place: Position | None) -> dict[str, Any]:
    """The newest of everything; dated by the state of charge, else by the newest of the others."""
    values = {name: said[name].value for name in NAMES if name in said}
    times = [said[name].at for name in values] + ([place.at] if place else [])
    at = said["soc_pct"].at if "soc_pct" in said else max(times, default=None)
    return values_json(at, values, (place.latitude, place.longitude) if place else None)


def values_json(
    at: datetime | None, values: Mapping[str, Any], place: tuple[float, float] | None
) -> dict[str, Any]:
    """The contract's five keys first; null for what was not said, or cannot be."""
    state = values.get("charging_state")
    return {
        "recorded_at": at,
        "soc_pct": percent(values.get("soc_pct")),
        "charging_state": state if state in STATES else None,
        "latitude": place[0] if place else None,
        "longitude": place[1] if place else None,
        **{name: values.get(name) for name in EXTRAS},
    }


def percent(value: Any) -> float | None:
    """A share within 0 to 100, None for anything else."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and 0 <= value <= 100 else None


def aged(values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """How old a reading is, and whether that is too old."""
    at = values["recorded_at"]
    age = None if at is None else max(0, int((now - at).total_seconds()))
    return {"age_seconds": age, "stale": age is None or age > STALE_AFTER.total_seconds()}
