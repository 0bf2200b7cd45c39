"""Vehicles of the simulated Smartcar, and who let the application see which of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wattledger.simulators.driving import Driven, State
from wattledger.simulators.driving_week import Habits

PERMISSIONS = (
    "read_vehicle_info",
    "read_vin",
    "read_battery",
    "read_charge",
    "read_location",
    "read_odometer",
    "control_charge",
)
_SPACE = uuid.UUID("5b0e4c7a-1d5f-4f0c-8a43-9e2b7c61d0f8")


def named_id(name: str) -> str:
    """An id that stays the same for a name."""
    return str(uuid.uuid5(_SPACE, name))


@dataclass
class Vehicle:
    """One vehicle. What it says is its car's, save where `fixed` has a body for a path or a signal."""

    id: str
    make: str
    model: str
    year: int
    car: Driven = field(default_factory=Driven)
    vin: str = "5YJ3E1EA7LF000316"
    powertrain: str = "BEV"
    mode: str | None = None
    """only connected in this mode; None: in either"""
    digits: int = 2
    """of the state of charge in v2"""
    imperial: bool = False
    """answers in miles whatever was asked"""
    refuses_asleep: bool = False
    """answers 409 while it sleeps, instead of what it said last"""
    incapable: set[str] = field(default_factory=set)
    """v2 paths and v3 signals that it can't answer"""
    trouble: tuple[str, str | None] | None = None
    """type and code of an error that every read has, until the owner signs in again"""
    fixed: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, dict[str, str | None]] = field(default_factory=dict)
    """by v2 path: headers put over its own; None takes one away"""
    newest: datetime | None = None
    """nothing newer than this is reported: the car has lost its connection"""

    def seen(self, now: datetime) -> State:
        """What its newest report said."""
        return self.car.seen(min(now, self.newest) if self.newest else now)

    def fetched(self, now: datetime) -> datetime:
        """When the vendor last got something from it."""
        return min(now, self.newest) if self.newest else now

    @property
    def attributes(self) -> dict[str, Any]:
        """As v2 describes it."""
        return {"id": self.id, "make": self.make, "model": self.model, "year": self.year}


@dataclass
class Grant:
    """One owner's consent for one vehicle: what v3 calls a connection."""

    id: str
    user: str
    vehicle: Vehicle
    permissions: tuple[str, ...]
    mode: str
    external_id: str | None
    created: datetime
    updated: datetime


@dataclass
class Garage:
    """All vehicles, and the grants that stand."""

    vehicles: dict[str, Vehicle] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)

    def connect(
        self, user: str, ids: Sequence[str], permissions: Iterable[str], mode: str,
        external_id: str | None, now: datetime,
    ) -> None:  # fmt: skip
        """The owner chose these vehicles: they take the place of those chosen before."""
        before = {g.vehicle.id: g for g in self.of(user)}
        self.drop(user=user)
        for id in ids:
            old = before.get(id)
            made = Grant(
                old.id if old else str(uuid.uuid5(_SPACE, f"{user} {id} {now}")),
                user, self.vehicles[id], tuple(permissions), mode, external_id,
                old.created if old else now, now,
            )  # fmt: skip
            made.vehicle.trouble = None
            self.grants.append(made)

    def of(self, user: str | None = None, vehicle: str | None = None) -> list[Grant]:
        """Grants of a user, for a vehicle."""
        return [g for g in self.grants if user in (None, g.user) and vehicle in (None, g.vehicle.id)]

    def drop(self, user: str | None = None, vehicle: str | None = None) -> list[Grant]:
        """Take grants back; returns those."""
        gone = self.of(user, vehicle)
        self.grants = [g for g in self.grants if g not in gone]
        return gone


def home_cars() -> list[Vehicle]:
    """The car of the simulated home, whose charging is part of that home's load."""
    return [Vehicle(named_id("home car"), "TESLA", "Model 3", 2021, Driven(Habits(seed=1)), digits=3)]


def second_car() -> Vehicle:
    """Another household's, some streets away."""
    car = Driven(Habits(seed=31, capacity=82.0, limit=0.9), began=18_300.0, apart=(0.021, -0.034))
    vehicle = Vehicle(named_id("second car"), "VOLKSWAGEN", "ID.4", 2023, car, vin="1V2WNPE83PC000907")
    vehicle.incapable = {
        "connectivitystatus-isasleep",
        "connectivitystatus-isonline",
        "location-isathome",
    }
    return vehicle
