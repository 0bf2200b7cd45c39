"""Short ways to write what a car said: minutes after noon UTC, in the names of observations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from wattledger.charging import Battery, Charge, Judged, Seen, State, account, seen_of

NOON = datetime(2026, 7, 4, 12, tzinfo=UTC)
SIZE = Battery(Decimal(60_000))
"""60 kWh: a per cent is 600 Wh in the battery, 666.667 Wh at the wall"""
NAMES = {
    "soc": "soc_pct", "state": "charging_state", "plugged": "plugged_in", "kw": "charge_kw",
    "added": "energy_added_wh", "size": "capacity_kwh", "km": "odometer_km",
}  # fmt: skip


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def car(minutes: float, home: bool | None = None, **said: Any) -> Seen:
    values = {NAMES.get(name, name): value for name, value in said.items()}
    found = seen_of(at(minutes), values, home)
    assert found is not None
    return found


def judged(*seen: Seen, battery: Battery = SIZE) -> list[Judged]:
    return account(seen, battery)[0]


def state_after(*seen: Seen, battery: Battery = SIZE) -> State:
    return account(seen, battery)[1]


def words(*seen: Seen) -> list[str]:
    return [one.verdict.value for one in judged(*seen)]


def charges(found: Sequence[Judged]) -> list[tuple[float, float, str | None, str]]:
    """(minutes from, minutes to, Wh, method) of what was found, booked or not."""
    return [_told(charge) for one in found for charge in one.charges]


def booked(found: Sequence[Judged]) -> list[tuple[float, float, str]]:
    """(minutes from, minutes to, Wh) of what was booked."""
    return [
        (_minutes(b.start), _minutes(b.end), f"{b.wh.normalize():f}") for one in found for b in one.bookings
    ]


def total(found: Sequence[Judged]) -> Decimal:
    return sum((one.wh for one in found), Decimal(0))


def _told(charge: Charge) -> tuple[float, float, str | None, str]:
    wh = None if charge.wh is None else f"{charge.wh.normalize():f}"
    return _minutes(charge.start), _minutes(charge.end), wh, charge.method.value


def _minutes(when: datetime) -> float:
    return round((when - NOON) / timedelta(minutes=1), 1)
