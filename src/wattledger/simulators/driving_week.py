"""A week of a simulated car: drives by day, plugged in in the evening, charging at night."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache

import numpy as np

from wattledger import localday

ZONE = "America/Chicago"
KWH_A_KM = 0.172
AC_EFFICIENCY, DC_EFFICIENCY = 0.9, 0.94
NIGHT = 23.0
DAWN = 30.0
"""six in the morning, counted from the day before"""
AT_WORK, ON_THE_ROAD = 6.6, 92.0
"""kW at the wall of charging elsewhere"""


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to be."""

    name: str
    latitude: float
    longitude: float


HOME = Place("home", 30.27, -97.74)
WORK = Place("work", 30.4021, -97.7253)
SHOP = Place("shop", 30.2415, -97.7817)
LAKE = Place("lake", 30.7452, -98.2310)


@dataclass(frozen=True)
class Habits:
    """What tells one car's weeks from another's. Capacity in kWh, limit 0..1, power in kW at the wall."""

    seed: int = 1
    capacity: float = 75.0
    limit: float = 0.8
    power: float = 7.2


@dataclass(frozen=True, slots=True)
class Leg:
    """One thing done from `start` to `end`: a drive where `place` is not `to`, charging where power is."""

    week: int
    start: datetime
    end: datetime
    place: Place
    to: Place
    kwh: float
    kwh_end: float
    km: float
    """since the week began"""
    km_end: float
    plugged: bool
    power: float
    fast: bool
    goal: float
    """kWh in the battery at which charging ends"""
    added: float | None
    """kWh of the session at the leg's start; None: still the newest of the week before"""


@dataclass(frozen=True)
class Week:
    """Legs without a gap from one Monday at six to the next."""

    legs: tuple[Leg, ...]
    km: float
    added: float

    @cached_property
    def starts(self) -> list[datetime]:
        """Where each leg begins."""
        return [leg.start for leg in self.legs]


@lru_cache(maxsize=8192)
def week(habits: Habits, n: int) -> Week:
    """The week with that number (Mondays since 1969-12-29)."""
    plan = _Plan(habits, n)
    for day in range(7):
        _day(plan, day)
    plan.rest(7, DAWN - 24)
    return Week(tuple(plan.legs), plan.km, plan.added or 0.0)


@dataclass
class _Plan:
    """A week as far as it is planned."""

    habits: Habits
    n: int
    legs: list[Leg] = field(default_factory=list)
    place: Place = HOME
    km: float = 0.0
    plugged: bool = True
    added: float | None = None

    def __post_init__(self) -> None:
        self.random = np.random.default_rng([self.habits.seed, self.n, 77])
        self.kwh = self.full
        self.at = self.moment(0, DAWN - 24)

    @property
    def full(self) -> float:
        """kWh at the limit."""
        return self.habits.capacity * self.habits.limit

    def moment(self, day: int, hour: float) -> datetime:
        """The instant of a wall hour, counted from a day of the week; on whole minutes."""
        days, hours = divmod(hour, 24)
        date = localday.day(7 * self.n - 3 + day + int(days))
        midnight = datetime(date.year, date.month, date.day, tzinfo=localday.zone(ZONE))
        return (midnight + timedelta(minutes=round(hours * 60))).astimezone(UTC)

    def rest(self, day: int, hour: float) -> None:
        """Stay where it is until then."""
        self._leg(self.moment(day, hour), self.place)

    def drive(self, to: Place, km: float, speed: float) -> None:
        """Go somewhere, unplugged."""
        self.plugged = False
        end = self.at + timedelta(minutes=max(5, round(60 * km / speed)))
        self._leg(end, to, self.kwh - km * KWH_A_KM, self.km + km)

    def plug(self) -> None:
        """A new session begins."""
        self.plugged, self.added = True, 0.0

    def charge(self, power: float, goal: float, until: datetime, *, fast: bool = False) -> None:
        """Charge up to `goal` kWh, until then at most."""
        rate = power * (DC_EFFICIENCY if fast else AC_EFFICIENCY)
        hours = min((goal - self.kwh) / rate, (until - self.at) / timedelta(hours=1))
        if hours > 0:
            end = self.at + timedelta(seconds=round(hours * 3600))
            kwh = min(goal, self.kwh + rate * ((end - self.at) / timedelta(hours=1)))
            self._leg(end, self.place, goal if goal - kwh < rate / 1800 else kwh, None, power, fast, goal)

    def _leg(
        self,
        end: datetime,
        to: Place,
        kwh: float | None = None,
        km: float | None = None,
        power: float = 0.0,
        fast: bool = False,
        goal: float = 0.0,
    ) -> None:
        if end <= self.at:
            return
        kwh, km = self.kwh if kwh is None else kwh, self.km if km is None else km
        self.legs.append(
            Leg(
                self.n, self.at, end, self.place, to, self.kwh, kwh, self.km, km,
                self.plugged, power, fast, goal, self.added,
            )
        )  # fmt: skip
        if power and self.added is not None:
            self.added += kwh - self.kwh
        self.at, self.place, self.kwh, self.km = end, to, kwh, km


def _day(plan: _Plan, day: int) -> None:
    if day < 5:
        _weekday(plan, day)
    elif day == 5 and plan.random.random() < 0.35:
        _outing(plan, day)
    else:
        _errand(plan, day, plan.random.uniform(10, 15), plan.random.uniform(8, 16))
    _night(plan, day)


def _weekday(plan: _Plan, day: int) -> None:
    chance = plan.random
    if chance.random() < 0.88:
        plan.rest(day, chance.uniform(7.2, 8.0))
        plan.drive(WORK, chance.uniform(17.5, 19.5), 38)
        home = chance.uniform(16.8, 17.8)
        if chance.random() < 0.15:
            plan.plug()
            plan.charge(AT_WORK, plan.full, plan.moment(day, home - 0.5))
        plan.rest(day, home)
        plan.drive(HOME, chance.uniform(17.5, 19.5), 32)
    if chance.random() < 0.25:
        _errand(plan, day, chance.uniform(18.7, 19.3), chance.uniform(6, 8))


def _errand(plan: _Plan, day: int, hour: float, km: float) -> None:
    plan.rest(day, hour)
    plan.drive(SHOP, km, 35)
    plan.rest(day, hour + km / 35 + plan.random.uniform(0.4, 1.2))
    plan.drive(HOME, km, 35)


def _outing(plan: _Plan, day: int) -> None:
    """To the lake and back, with a fast charge on the road where the battery is low by then."""
    chance = plan.random
    plan.rest(day, chance.uniform(8.5, 9.5))
    far = chance.uniform(82, 96)
    plan.drive(LAKE, far, 78)
    back = chance.uniform(15.5, 17.5)
    if plan.kwh < 0.6 * plan.habits.capacity:
        plan.rest(day, back - 0.6)
        plan.plug()
        plan.charge(ON_THE_ROAD, 0.7 * plan.habits.capacity, plan.moment(day, back - 0.1), fast=True)
        plan.plugged = False
    plan.rest(day, back)
    plan.drive(HOME, far, 78)


def _night(plan: _Plan, day: int) -> None:
    """Plug in on coming home; charge from about eleven. Always before Monday."""
    low = plan.kwh < 0.55 * plan.habits.capacity
    skip = plan.random.random() < 0.3
    if not plan.plugged and (day == 6 or low or not skip):
        plan.plug()
    if plan.plugged:
        plan.rest(day, NIGHT + plan.random.integers(0, 12) / 60)
        plan.charge(plan.habits.power, plan.full, plan.moment(day, DAWN))
