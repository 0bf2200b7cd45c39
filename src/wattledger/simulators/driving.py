"""An electric car of a Texas household: where it is, how full, whether it charges, at every instant.

A week is planned from the seed alone and begins on Monday at six, at home, plugged in and charged to the
limit; so any instant can be asked for at will, and the same instant always has the same answer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wattledger import localday
from wattledger.simulators.driving_week import HOME, ZONE, Habits, Leg, week

FIRST_WEEK = 2818
"""the week of 2024-01-01, from which the odometer counts"""
REPORT = timedelta(minutes=5)
AWAKE = timedelta(minutes=45)
"""how long a car that rests goes on reporting before it sleeps"""
WHILE_CHARGING = timedelta(minutes=30)
VOLTS = 240


@dataclass(frozen=True, slots=True)
class State:
    """The truth at one instant. Energies in kWh, power in kW at the wall, distances in km."""

    at: datetime
    soc: float
    """0..1"""
    plugged: bool
    charging: bool
    fast: bool
    full: bool
    """whether it has reached its limit"""
    power: float
    added: float
    """into the battery, in the current or the newest session"""
    minutes_left: int
    odometer: float
    latitude: float
    longitude: float
    at_home: bool
    driving: bool
    asleep: bool

    @property
    def word(self) -> str:
        """The vendor's word for the state of charging."""
        if self.charging:
            return "CHARGING"
        return "FULLY_CHARGED" if self.plugged and self.full else "NOT_CHARGING"


@dataclass(frozen=True)
class Driven:
    """A car with its habits. `began` is its odometer at the start of 2024."""

    habits: Habits = field(default_factory=Habits)
    began: float = 4_210.0
    apart: tuple[float, float] = (0.0, 0.0)
    """how far its household lives from the simulated home, degrees north and east"""

    def state_at(self, when: datetime) -> State:
        """Where it is and what it does."""
        leg = self._leg(when)
        done = (when - leg.start) / (leg.end - leg.start)
        kwh = leg.kwh + (leg.kwh_end - leg.kwh) * done
        where = _between(leg, done)
        charging = leg.power > 0
        rate = (leg.kwh_end - leg.kwh) / ((leg.end - leg.start) / timedelta(minutes=1))
        return State(
            at=when,
            soc=kwh / self.habits.capacity,
            plugged=leg.plugged,
            charging=charging,
            fast=charging and leg.fast,
            full=kwh >= self.habits.capacity * self.habits.limit - 1e-6,
            power=leg.power,
            added=self._added(leg, kwh),
            minutes_left=round((leg.goal - kwh) / rate) if charging else 0,
            odometer=self.began + _before(self.habits, leg.week) + leg.km + (leg.km_end - leg.km) * done,
            latitude=where[0] + self.apart[0],
            longitude=where[1] + self.apart[1],
            at_home=leg.place is leg.to is HOME,
            driving=leg.place is not leg.to,
            asleep=self._rests(leg) and when >= leg.start + AWAKE,
        )

    def reported(self, when: datetime) -> datetime:
        """The instant of its newest report: every five minutes while awake, then none while it sleeps."""
        leg = self._leg(when)
        if self._rests(leg):
            when = min(when, leg.start + AWAKE)
        return when - (when - leg.start) % REPORT

    def seen(self, when: datetime) -> State:
        """What its newest report said."""
        return self.state_at(self.reported(when))

    def changes(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Instants in [start, end) at which it begins something else, and the half-hours of charging."""
        for leg in self.legs(start, end):
            when = leg.start
            while when < min(leg.end, end):
                if when >= start:
                    yield when
                if not leg.power:
                    break
                when += WHILE_CHARGING

    def legs(self, start: datetime, end: datetime) -> Iterator[Leg]:
        """What it does between two instants, in order."""
        for n in range(week_of(start), week_of(end) + 1):
            for leg in week(self.habits, n).legs:
                if leg.end > start and leg.start < end:
                    yield leg

    def wall_wh(self, start: datetime, end: datetime, *, at_home: bool = True) -> float:
        """Wh taken from the wall, at home or elsewhere."""
        return sum(
            leg.power * 1000 * (min(leg.end, end) - max(leg.start, start)) / timedelta(hours=1)
            for leg in self.legs(start, end)
            if leg.power and (leg.place is HOME) == at_home
        )

    def home_slots(self, day: int) -> NDArray[np.float64]:
        """Wh at home by quarter-hour of a local day."""
        start, size = localday.start(day, ZONE), localday.slots(day, ZONE)
        found = np.zeros(size)
        for leg in self.legs(start, start + size * localday.QUARTER):
            if leg.power and leg.place is HOME:
                begin, end = ((t - start) / localday.QUARTER for t in (leg.start, leg.end))
                slots = np.arange(size)
                shares = np.minimum(end, slots + 1) - np.maximum(begin, slots)
                found += np.maximum(shares, 0) * leg.power * 250
        return found

    def _leg(self, when: datetime) -> Leg:
        plan = week(self.habits, week_of(when))
        return plan.legs[bisect_right(plan.starts, when) - 1]

    def _added(self, leg: Leg, kwh: float) -> float:
        if leg.added is None:
            return week(self.habits, leg.week - 1).added
        return leg.added + (kwh - leg.kwh if leg.power else 0.0)

    @staticmethod
    def _rests(leg: Leg) -> bool:
        return leg.place is leg.to and not leg.power


def week_of(when: datetime) -> int:
    """The week in which an instant is; weeks begin on Monday at six, local time."""
    local = when.astimezone(localday.zone(ZONE)).replace(tzinfo=None) - timedelta(hours=6)
    return (localday.number(local.date()) + 3) // 7


def _between(leg: Leg, done: float) -> tuple[float, float]:
    a, b = leg.place, leg.to
    return (
        a.latitude + (b.latitude - a.latitude) * done,
        a.longitude + (b.longitude - a.longitude) * done,
    )


@lru_cache(maxsize=256)
def _totals(habits: Habits) -> list[float]:
    return [0.0]


def _before(habits: Habits, n: int) -> float:
    """km of all weeks before week `n`; totals are remembered."""
    totals = _totals(habits)
    while len(totals) <= n - FIRST_WEEK:
        totals.append(totals[-1] + week(habits, FIRST_WEEK + len(totals) - 1).km)
    return totals[max(0, n - FIRST_WEEK)]
