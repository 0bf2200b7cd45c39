"""Cars whose truth is known: what was charged where, and what a vendor says of it, seldom and in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.charging.series import NOON
from wattledger.charging import Seen, seen_of

STEP = timedelta(minutes=5)
CAPACITY_WH = 60_000
EFFICIENCY = 0.9


@dataclass(slots=True)
class Phase:
    """A time of one kind: at home or away, plugged or not, charging with a power, or driving."""

    minutes: int
    plugged: bool = False
    kw: int = 0
    km: int = 0
    home: bool = True


@dataclass(slots=True)
class World:
    """The truth minute by minute, and what was really drawn at home (Wh at the wall)."""

    at: datetime = NOON
    soc: float = 50.0
    added: float = 0.0
    km: float = 1000.0
    home: bool = True
    plugged: bool = False
    drawn_home: float = 0.0
    drawn: float = 0.0
    log: list[dict[str, Any]] = field(default_factory=list)

    def live(self, phase: Phase) -> None:
        """Let a phase pass in steps."""
        if phase.plugged and not self.plugged:
            self.added = 0.0
        self.plugged = phase.plugged
        if phase.km:
            self.home = phase.home
        for _ in range(phase.minutes // 5):
            self._step(phase)

    def _step(self, phase: Phase) -> None:
        self.at += STEP
        charging = phase.plugged and phase.kw > 0 and self.soc < 100
        if charging:
            wall = min(phase.kw * 1000 / 12, (100 - self.soc) / 100 * CAPACITY_WH / EFFICIENCY)
            self.soc += wall * EFFICIENCY / CAPACITY_WH * 100
            self.added += wall
            self.drawn += wall
            self.drawn_home += wall if self.home else 0
        if phase.km:
            step = phase.km / (phase.minutes / 5)
            self.km, self.soc = self.km + step, max(2.0, self.soc - step * 0.25)
        state = "CHARGING" if charging else "FULLY_CHARGED" if self.soc >= 100 else "NOT_CHARGING"
        self.log.append(
            {
                "at": self.at,
                "home": None if phase.km else self.home,
                "soc_pct": int(self.soc),
                "charging_state": state,
                "plugged_in": self.plugged,
                "energy_added_wh": round(self.added),
                "odometer_km": round(self.km, 1),
            }
        )


def phases() -> st.SearchStrategy[list[Phase]]:
    """Days of driving, parking and charging, here and elsewhere."""
    minutes = st.integers(2, 60).map(lambda n: n * 5)
    parked = st.builds(Phase, minutes)
    plugged = st.builds(Phase, minutes, st.just(True), st.sampled_from([0, 2, 7, 7, 11]))
    drive = st.builds(Phase, st.sampled_from([20, 40]), km=st.sampled_from([10, 30, 60]), home=st.booleans())
    return st.lists(st.one_of(parked, plugged, plugged, drive), min_size=2, max_size=14)


def world(told: list[Phase]) -> World:
    """What really happened. A charge of another power is another plug-in's, or goes on within this one."""
    found = World()
    for phase in [Phase(10), *told]:
        found.live(phase)
    return found


def heard(found: World, every: int, without: frozenset[str]) -> Iterator[Seen]:
    """What is heard of it: one in so many observations, without some of the names."""
    for one in found.log[::every]:
        values = {n: v for n, v in one.items() if n not in {"at", "home"} and n not in without}
        seen = seen_of(one["at"], values, None if "home" in without else one["home"])
        if seen is not None:
            yield seen


def pieces(found: World, every: int, lags: dict[str, int]) -> list[Seen]:
    """The same, each name by an instant of its own, some seconds apart."""
    told = []
    for one in found.log[::every]:
        for name, lag in lags.items():
            at = one["at"] + timedelta(seconds=lag)
            if name == "home" and one["home"] is not None:
                told.append(seen_of(at, {}, one["home"]))
            elif name != "home":
                told.append(seen_of(at, {name: one[name]}))
    return sorted((seen for seen in told if seen is not None), key=lambda seen: seen.at)
