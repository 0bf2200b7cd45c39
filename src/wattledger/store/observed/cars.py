"""The account of a car: its observations in the order of their instants, what it charged at home booked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger import localday
from wattledger.charging import Battery, Seen, State, account, dump, earliest, load, seen_of
from wattledger.faults import sabotaged
from wattledger.secrets import SecretUnreadable, Vault
from wattledger.store.observed.booked_days import Entry, Kept
from wattledger.store.observed.rows import Row
from wattledger.store.observed.sealing import Private
from wattledger.store.people.sites import Home, home_of
from wattledger.store.tables import site, usage_point, vehicle
from wattledger.units import register_wh

_EARTH_M = 6_371_000
MARKS = 2
"""days that what comes late may reach back to without the whole being found anew"""
EFFICIENCY = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Mark:
    """What was remembered before the first observation of a local day, and what that day held of before.

    What comes late, but after a mark, makes only what follows the mark be found anew.
    """

    state: State
    kept: Kept

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        kept = self.kept
        return {
            "state": dump(self.state),
            "day": kept.day,
            "slots": [list(slot) for slot in kept.slots],
            "of": kept.payload,
        }

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Mark:
        """Back from JSON."""
        slots = tuple((slot, wh, flag) for slot, wh, flag in stored["slots"])
        return cls(load(stored["state"]), Kept(stored["day"], slots, stored["of"]))


@dataclass(slots=True)
class CarAccount:
    """See `accounts.Account`."""

    by_receipt: ClassVar[bool] = False

    private: Private
    home: Home | None
    battery: Battery
    payload: int = 0
    state: State = field(default_factory=State)
    marks: list[Mapping[str, Any]] = field(default_factory=list)
    """as they are stored, since few are ever returned to"""

    def resume(self, payload: int, stored: Mapping[str, Any]) -> None:
        """Go on from what is stored."""
        self.payload, self.state = payload, load(stored.get("state", {}))
        self.marks = list(stored.get("marks", ()))

    def return_to(self, mark: Mark) -> None:
        """Go on from a mark instead."""
        self.state = mark.state
        self.marks = [one for one in self.marks if _at(one) <= _at(mark.dump())]

    @property
    def carried(self) -> Decimal:
        return self.state.booked

    def dump(self) -> dict[str, Any]:
        return {"state": dump(self.state), "marks": self.marks}

    def owns(self) -> bool:
        return True

    def late(self, rows: Sequence[Row]) -> bool:
        newest = self.state.at
        late = newest is not None and any(row["at"] < newest and self._seen(row) for row in rows)
        return late and not sabotaged("charge_late_rebuild")

    def mark_of(self, rows: Sequence[Row]) -> Mark | None:
        first = min(row["at"] for row in rows if self._seen(row))
        before = [one for one in self.marks if _at(one) < first]
        return Mark.load(before[-1]) if before else None

    def mark_due(self, at: datetime, zone: str) -> int | None:
        newest, bound = self.state.at, earliest(self.state)
        if newest is None or bound is None or localday.today(newest, zone) >= localday.today(at, zone):
            return None
        return localday.today(bound, zone)

    def mark(self, kept: Kept) -> None:
        self.marks = [*self.marks, Mark(self.state, kept).dump()][-MARKS:]

    def advance(self, rows: Sequence[Row]) -> list[Entry]:
        told = [(row, self._seen(row)) for row in rows]
        seen = [(row, one) for row, one in told if one is not None]
        judged, self.state = account([one for _, one in seen], self.battery, self.state)
        for row, one in told:
            if one is None:
                row["verdict"] = row["booked_wh"] = None
        entries = []
        for (row, _), found in zip(seen, judged, strict=True):
            row["verdict"], row["booked_wh"] = found.verdict.value, str(found.wh)
            self.payload = max(self.payload, row["payload"])
            entries += [(booking, row["payload"]) for booking in found.bookings]
        return entries

    def _seen(self, row: Row) -> Seen | None:
        return seen_of(row["at"], row["values"], self._at_home(row))

    def _at_home(self, row: Row) -> bool | None:
        """By the position, where one was told and a home is known; one that no key opens tells nothing."""
        if self.home is None or not row.get("sealed"):
            return None
        try:
            where = self.private.open(row["usage_point"], row["at"], row["payload"], row["sealed"])
        except SecretUnreadable:
            return None
        return at_home(self.home, where)


def _at(mark: Mapping[str, Any]) -> datetime:
    """Up to when a mark remembers."""
    return datetime.fromisoformat(mark["state"]["at"]["at"])


class Cars:
    """Opens accounts of cars with what their site and owner say."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def opened(self, connection: AsyncConnection, numbers: Sequence[int]) -> dict[int, CarAccount]:
        """By usage point: fresh accounts."""
        query = (
            select(usage_point.c.n, site.c.id, site.c.home, vehicle.c.options)
            .join(site, site.c.id == usage_point.c.site)
            .outerjoin(vehicle, vehicle.c.usage_point == usage_point.c.n)
            .where(usage_point.c.n.in_(numbers))
        )
        private, homes = Private(self._vault), dict[str, Home | None]()
        found = {}
        for row in await connection.execute(query):
            if row.id not in homes:
                homes[row.id] = self._home(row.id, row.home)
            found[row.n] = CarAccount(private, homes[row.id], battery_of(row.options or {}))
        return found

    def _home(self, id: str, sealed: str | None) -> Home | None:
        try:
            return home_of(self._vault, id, sealed)
        except SecretUnreadable:
            return None


def battery_of(options: Mapping[str, Any]) -> Battery:
    """What an owner's options say: `capacity_kwh`, `efficiency` (above 0, up to 1)."""
    capacity = register_wh(options.get("capacity_kwh"))
    efficiency = register_wh(options.get("efficiency"))
    sound = efficiency is not None and 0 < efficiency <= 1
    return Battery(capacity * 1000 if capacity else None, efficiency if sound and efficiency else EFFICIENCY)


def at_home(home: Home, where: Mapping[str, float]) -> bool | None:
    """Whether a position lies within a home's radius; None for no position."""
    if "latitude" not in where or "longitude" not in where:
        return None
    return metres(home.latitude, home.longitude, where["latitude"], where["longitude"]) <= home.radius_m


def metres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The distance of two places on the globe."""
    north, south = radians(latitude), radians(other_latitude)
    half = sin((south - north) / 2) ** 2
    half += cos(north) * cos(south) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * _EARTH_M * asin(min(1.0, sqrt(half)))
