"""A fleet of meters of any size from a seed: each day's delivery as files of 200 meters, or as Parquet.

A day's profile is a home's; a meter has a size of its own, and chance of its own by quarter-hour. The same
seed, meter and day always give the same watt-hours. Made by columns: some million rows a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wattledger import localday
from wattledger.simulators.home import Home
from wattledger.simulators.smt_files import HEADER, SKIPPED, kwh, labels, revision

METERS_A_FILE = 200
LARGEST = 10_000
FIRST_ESIID = 10443720000000000
Wh = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file: its name's serial number, the meters it names (by number), and its bytes."""

    serial: int
    meters: range
    body: bytes


@dataclass(frozen=True)
class Fleet:
    """`meters` meters of one seed. `revised` is the share of meter-days of a corrected delivery."""

    meters: int
    seed: int = 1
    revised: float = 0.02

    def esiid(self, meter: int) -> str:
        """The ESIID of a meter by its number."""
        return str(FIRST_ESIID + meter)

    def night(self, day: date, corrected: bool = False) -> Iterator[Delivery]:
        """A day's files. `corrected`: as delivered again, `revised` of its meters under a later revision."""
        for serial, start in enumerate(range(0, self.meters, METERS_A_FILE)):
            meters = range(start, min(start + METERS_A_FILE, self.meters))
            yield Delivery(serial, meters, self.file(meters, localday.number(day), corrected))

    def wh(self, meters: range, n: int, corrected: bool = False) -> Wh:
        """Watt-hours of these meters by slot of local day `n`: meters x 92, 96 or 100."""
        profile = _profile(self.seed, n)
        chance = np.random.default_rng([self.seed, n, meters.start])
        size = np.exp(np.random.default_rng([self.seed, meters.start]).normal(0, 0.5, (len(meters), 1)))
        values = profile * size * chance.uniform(0.6, 1.4, (len(meters), len(profile)))
        values[self.changed(meters, n), :16] += 10.0 if corrected else 0.0
        return np.minimum(values, LARGEST - 1).astype(np.int32)

    def changed(self, meters: range, n: int) -> NDArray[np.bool_]:
        """Which of these meters a corrected delivery of that day revises."""
        return np.random.default_rng([self.seed, n, meters.start, 2]).random(len(meters)) < self.revised

    def file(self, meters: range, n: int, corrected: bool = False) -> bytes:
        """The interval CSV of these meters' day, as the utility writes it."""
        values = self.wh(meters, n, corrected)
        changed = self.changed(meters, n) & corrected
        columns = _columns(values.shape[1])
        day = f"{localday.day(n):%m/%d/%Y}"
        words, lines = _words(), [HEADER]
        for row, meter in enumerate(meters):
            moment = f"{revision(n, bool(changed[row])):%m/%d/%Y %H:%M:%S}"
            head = f"'{self.esiid(meter)},{day},{moment},"
            said = [words[wh] for wh in values[row].tolist()]
            if values.shape[1] == 92:
                said[SKIPPED.start : SKIPPED.start] = [","] * len(SKIPPED)
            lines.extend([f"{head}{at}{wh},Consumption" for at, wh in zip(columns, said, strict=True)])
        return ("\n".join(lines) + "\n").encode()


@lru_cache(maxsize=512)
def _profile(seed: int, n: int) -> NDArray[np.float64]:
    home = Home(seed=seed)
    return home.day(n).actual[home.flows[0]].astype(np.float64)


@lru_cache(maxsize=3)
def _columns(size: int) -> tuple[str, ...]:
    return tuple(f"{start},{end}," for start, end in labels(size))


@lru_cache(maxsize=1)
def _words() -> list[str]:
    """kWh and letter of every possible value: `.145,A`."""
    return [f"{kwh(wh)},A" for wh in range(LARGEST)]
