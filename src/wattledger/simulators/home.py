"""A believable Texas home's quarter-hour energy, the same for the same seed and day.

Base load, morning and evening peaks, cooling and heating by a simulated outdoor temperature, a car that
charges at night, and with solar also what goes back to the grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from wattledger.localday import MOST_SLOTS, number, slots
from wattledger.model import MISSING, Flow
from wattledger.simulators.driving import Driven
from wattledger.simulators.driving_week import ZONE, Habits

CENTRAL = ZONE
ESTIMATED_RUN = 16
"""quarter-hours of one estimated block, as the utility makes them"""
ESTIMATED_DAYS = 0.03

Wh = NDArray[np.int32]


@dataclass(frozen=True)
class Day:
    """One local day as first read and as corrected: Wh by slot, 92, 96 or 100 of them."""

    number: int
    actual: dict[Flow, Wh]
    first: dict[Flow, Wh]
    """as first delivered: in an estimated block the mean stands for each value"""
    estimated: NDArray[np.bool_]

    def wh(self, flow: Flow, revised: bool) -> Wh:
        """The values of one flow, as first delivered or as corrected."""
        return (self.actual if revised else self.first)[flow]


@dataclass(frozen=True)
class Home:
    """A metered home. With `solar` it also sends energy back (flow received)."""

    esiid: str = "10443720000000001"
    seed: int = 1
    solar: bool = False

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The flows that its meter has."""
        return (Flow.DELIVERED, Flow.RECEIVED) if self.solar else (Flow.DELIVERED,)

    @property
    def car(self) -> Driven:
        """The household's car; what it takes at home is part of the load."""
        return Driven(Habits(seed=self.seed))

    def days(self, first: date, count: int) -> Iterator[Day]:
        """`count` days from `first` on."""
        for n in range(number(first), number(first) + count):
            yield self.day(n)

    def day(self, n: int) -> Day:
        """Local day number `n`."""
        random = np.random.default_rng([self.seed, n])
        size = slots(n, CENTRAL)
        hours = wall_hours(size)
        load = _load(random, n, hours) + self.car.home_slots(n)
        sun = _sun(random, n, hours) if self.solar else np.zeros(size)
        actual = {Flow.DELIVERED: _wh(load - sun)}
        if self.solar:
            actual[Flow.RECEIVED] = _wh(sun - load)
        estimated = _estimated(random, size)
        first = {flow: _smoothed(values, estimated) for flow, values in actual.items()}
        return Day(n, actual, first, estimated)


def cooling(seed: int, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(outdoor temperature in C, Wh of cooling) by slot of local day `n`, as in that home's load."""
    outside = _temperature(np.random.default_rng([seed, n]), n, wall_hours(slots(n, CENTRAL)))
    return outside, _cooling(outside)


def wall_hours(size: int) -> NDArray[np.float64]:
    """The hour on the wall at which each slot begins: 2 is skipped in spring, 1 comes twice in autumn."""
    hours = np.arange(size) / 4
    hours[8:] += {92: 1.0, 96: 0.0, 100: -1.0}[size]
    return hours


def padded(values: Wh) -> Wh:
    """Values of a day in the ledger's form: 100 slots, MISSING past the day's end."""
    block = np.full(MOST_SLOTS, MISSING, np.int32)
    block[: len(values)] = values
    return block


def _load(random: np.random.Generator, n: int, hours: NDArray[np.float64]) -> NDArray[np.float64]:
    outside = _temperature(random, n, hours)
    base = 70 + 25 * random.random() + random.gamma(2.0, 12.0, len(hours))
    morning = 160 * np.exp(-(((hours - 7.2) / 1.1) ** 2))
    evening = 330 * np.exp(-(((hours - 19.3) / 2.2) ** 2))
    heating = np.maximum(11 - outside, 0) * 34
    return np.asarray(base + morning + evening + _cooling(outside) + heating)


def _cooling(outside: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.maximum(outside - 23, 0) * 62)


def _temperature(random: np.random.Generator, n: int, hours: NDArray[np.float64]) -> NDArray[np.float64]:
    season = 20 + 10.5 * np.cos(2 * np.pi * (n % 365.25 - 205) / 365.25)
    return np.asarray(season + random.normal(0, 3.2) + 6 * np.cos(2 * np.pi * (hours - 16) / 24))


def _sun(random: np.random.Generator, n: int, hours: NDArray[np.float64]) -> NDArray[np.float64]:
    season = 0.78 + 0.22 * np.cos(2 * np.pi * (n % 365.25 - 172) / 365.25)
    clouds = random.beta(4, 1.4) * random.uniform(0.82, 1.0, len(hours))
    return np.asarray(1500 * season * clouds * np.exp(-(((hours - 13.3) / 3.0) ** 2)))


def _wh(power: NDArray[np.float64]) -> Wh:
    return np.maximum(np.rint(power), 0).astype(np.int32)


def _estimated(random: np.random.Generator, size: int) -> NDArray[np.bool_]:
    flags = np.zeros(size, bool)
    if random.random() < ESTIMATED_DAYS:
        begin = int(random.integers(0, size - ESTIMATED_RUN))
        flags[begin : begin + ESTIMATED_RUN] = True
    return flags


def _smoothed(values: Wh, estimated: NDArray[np.bool_]) -> Wh:
    if not estimated.any():
        return values
    guess = values.copy()
    guess[estimated] = round(float(values[estimated].mean()))
    return guess
