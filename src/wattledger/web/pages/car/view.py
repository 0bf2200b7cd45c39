"""Cars as the page shows them: what each does now, its week as a drawing, and what its vendor allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wattledger import localday
from wattledger.charging import Seen
from wattledger.insight.session import Session
from wattledger.store.observed.observations import Said
from wattledger.store.rows import UsagePointRow
from wattledger.web.contracts.ev.cars import EFFICIENCY, Car, keeps_location, missing_of, trouble_of
from wattledger.web.pages import words
from wattledger.web.pages.car_words import withheld

STALE = timedelta(hours=13)
"""without a webhook a car is asked every twelve hours at least"""
NOT_FROM_CAR = frozenset({"trouble", "resolved"})
WEEK = timedelta(days=7)
WIDTH, HIGH = 672, 60
"""of the drawing: a unit is a quarter-hour wide"""
SILENT = timedelta(hours=6)
"""a level that was heard longer ago than that is drawn faintly"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of charging as it is drawn."""

    x: float
    width: float
    look: str
    """home, away or unknown"""
    says: str


@dataclass(frozen=True, slots=True)
class Week:
    """The drawing of seven days: the level as lines, charging as bars, midnights, names of days."""

    heard: str
    faint: str
    bars: list[Stretch]
    midnights: list[float]
    days: list[str]
    label: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One car as it is shown."""

    point: UsagePointRow
    car: Car | None
    said: Mapping[str, Said]
    doing: str
    place: str
    level: str
    """good, caution or bad: of its data"""
    age: str
    calls: str | None
    week: Week
    charged_wh: int
    """in these seven days, at home"""

    def value(self, name: str) -> Any:
        """The newest value of a name, None where there is none."""
        return self.said[name].value if name in self.said else None

    @property
    def trouble(self) -> str | None:
        """What is wrong, in words."""
        return trouble_of(self.car.row.status) if self.car else None

    @property
    def withheld(self) -> str | None:
        """What the vendor has no permission for."""
        return withheld(missing_of(self.car.row.status)) if self.car else None

    @property
    def keeps_location(self) -> bool:
        """Whether we may know where it is."""
        return self.car is None or keeps_location(self.car.row)

    @property
    def capacity_kwh(self) -> float | None:
        """As its owner says."""
        return self.car.row.options.get("capacity_kwh") if self.car else None

    @property
    def efficiency(self) -> float:
        """Of charging, as its owner says."""
        return float(self.car.row.options.get("efficiency") or EFFICIENCY) if self.car else EFFICIENCY


def doing(said: Mapping[str, Said]) -> str:
    """What a car does now: `Charging with 7.4 kW, 2 h 5 min to go`, `Plugged in`, `Not plugged in`."""
    state, plugged = _value(said, "charging_state"), _value(said, "plugged_in")
    if state == "CHARGING":
        return ", ".join(["Charging" + _power(said), *_left(said)])
    if state == "FULLY_CHARGED":
        return "Charged as far as it is set to" if plugged is not False else "Charged, not plugged in"
    if plugged is None:
        return "Not charging" if state == "NOT_CHARGING" else "Not known"
    return "Plugged in, not charging" if plugged else "Not plugged in"


def _power(said: Mapping[str, Said]) -> str:
    kw = _value(said, "charge_kw")
    return f" with {kw:.1f} kW" if isinstance(kw, int | float) and kw > 0 else ""


def _left(said: Mapping[str, Said]) -> list[str]:
    minutes = _value(said, "time_to_complete_min")
    return (
        [f"{words.length(timedelta(minutes=minutes))} to go"]
        if isinstance(minutes, int | float) and 0 < minutes < 10_000
        else []
    )


def _value(said: Mapping[str, Said], name: str) -> Any:
    return said[name].value if name in said else None


def freshness(said: Mapping[str, Said], now: datetime) -> tuple[str, str]:
    """How old what a car says is, and whether that is much."""
    newest = max((s.at for name, s in said.items() if name not in NOT_FROM_CAR), default=None)
    if newest is None:
        return "caution", "Nothing heard yet"
    asleep = ", asleep" if _value(said, "is_asleep") is True else ""
    return ("caution" if now - newest > STALE else "good"), f"Heard {words.age(newest, now)}{asleep}"


def calls_left(car: Car | None, most: int, now: datetime) -> str | None:
    """`312 of 500 calls left until 1 December`; the vendor's months are of UTC."""
    if car is None or not car.row.active:
        return None
    first = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
    left = max(0, most - car.row.calls)
    return f"{words.count(left)} of {words.count(most)} calls left until {first.day} {first:%B}"


def week(seen: Sequence[Seen], found: Sequence[Session], tz: str, now: datetime) -> Week:
    """Seven local days, the running one last."""
    first = localday.today(now, tz) - 6
    start = localday.start(first, tz)
    whole = localday.start(first + 7, tz) - start

    def place(when: datetime) -> float:
        return round(max(0.0, min(WIDTH, WIDTH * ((when - start) / whole))), 1)

    heard, faint = _levels([one for one in seen if one.soc is not None], place, start, now)
    bars = [_stretch(s, place, tz, now) for s in found if s.segments]
    flat = [bar for bars_of in bars for bar in bars_of if bar.x < WIDTH and bar.width > 0]
    midnights = [place(localday.start(first + n, tz)) for n in range(1, 7)]
    days = [f"{localday.day(first + n):%a}" for n in range(7)]
    label = f"State of charge and charging of seven days: charged in {words.plural(len(bars), 'session')}"
    return Week(heard, faint, flat, midnights, days, label)


def _levels(seen: Sequence[Seen], place: Any, start: datetime, now: datetime) -> tuple[str, str]:
    """Two paths: the level where it was heard not long before, and where it is carried on."""
    heard, faint = [], []
    for n, one in enumerate(seen):
        assert one.soc is not None
        until = min(seen[n + 1].at if n + 1 < len(seen) else now, now)
        if until <= start:
            continue
        y = round(HIGH - HIGH * float(one.soc) / 100, 1)
        sure = min(until, one.at + SILENT)
        if sure > start:
            heard.append(f"M{place(one.at)} {y}H{place(sure)}")
            if n + 1 < len(seen) and sure == until:
                following = seen[n + 1].soc
                assert following is not None
                heard.append(f"V{round(HIGH - HIGH * float(following) / 100, 1)}")
        if until > sure:
            faint.append(f"M{place(sure)} {y}H{place(until)}")
    return "".join(heard), "".join(faint)


def _stretch(session: Session, place: Any, tz: str, now: datetime) -> list[Stretch]:
    found = []
    for one in session.segments:
        energy = "energy not known" if one.wh is None else f"{words.kwh(round(one.wh))} kWh"
        where = {"home": "at home", "away": "away", "unknown": "place not known"}[session.place]
        says = f"{words.moment(one.start, tz)} to {words.clock(one.end, tz)}: {energy}, {where}"
        x = place(one.start)
        found.append(Stretch(x, max(1.5, round(place(min(one.end, now)) - x, 1)), session.place.value, says))
    return found


PLACES = {True: "At home", False: "Away from home", None: "Not known"}
