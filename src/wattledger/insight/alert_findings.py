"""Alerts about what came, or should have: missing days, files, too much explained, disks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from wattledger import localday
from wattledger.faults import sabotaged
from wattledger.insight import expectations
from wattledger.insight.alerts import Alert, Kind, Level, Watch
from wattledger.insight.equation import Equation
from wattledger.insight.steps import edges

SHOULD_BE_HERE = timedelta(days=3)
"""after the end of a day: what is missing then is a gap"""
OVER_WH, OVER_SHARE = 500, 0.05
"""from which on parts explain too much: energy beyond the meter, and its share of what was metered"""
OVER_DAYS = 7
GAP_DAYS = 30
"""before the newest day, in which missing days are looked for"""
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Gaps:
    """A meter's local days without all of their readings, before its newest day."""

    id: str
    name: str
    tz: str
    days: Sequence[int]


@dataclass(frozen=True, slots=True)
class File:
    """A payload that was rejected; `poison` where reading it stopped the reader again and again."""

    id: int
    name: str
    received: datetime
    reason: str
    poison: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """Whole local days on which parts say more than the meter: Wh beyond it, and what was metered."""

    days: Sequence[int]
    over_wh: int
    metered_wh: int
    tz: str

    @property
    def much(self) -> bool:
        """Whether it is more than rounding and a reading's place can explain."""
        share = OVER_SHARE * self.metered_wh
        return self.over_wh >= OVER_WH and self.over_wh >= share


@dataclass(frozen=True, slots=True)
class Room:
    """A disk that we write to. `refusing` where so little is free that nothing more is taken in."""

    name: str
    free: int
    low: bool
    refusing: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is judged of one site."""

    sources: Sequence[expectations.Source] = ()
    cars: Sequence[expectations.Car] = ()
    units: Sequence[expectations.Unit] = ()
    relays: Sequence[expectations.Relay] = ()
    meters: Sequence[expectations.Meter] = ()
    gaps: Sequence[Gaps] = ()
    files: Sequence[File] = ()
    over: Over | None = None
    rooms: Sequence[Room] = field(default_factory=tuple)


def judge(facts: Facts, watch: Watch) -> list[Alert]:
    """Everything that needs a person at a site, now."""
    if sabotaged("freshness"):
        found: list[Alert] = []
    else:
        found = [a for one in facts.sources for a in expectations.source(one, watch)]
        found += [a for one in facts.cars for a in expectations.car(one, watch)]
        found += [a for one in facts.units for a in expectations.unit(one, watch)]
        found += [a for one in facts.relays for a in expectations.relay(one, watch)]
        found += [a for one in facts.meters for a in expectations.meter(one, watch)]
    found += [a for one in facts.gaps for a in gap(one, watch)]
    found += [file(one, watch) for one in facts.files]
    found += over(facts.over) if facts.over else []
    return found + [a for one in facts.rooms for a in room(one, watch)]


def missing_days(found: Mapping[int, int], first: int, newest: int, tz: str) -> list[int]:
    """Local days from `first` up to but without `newest` that lack readings; `found` counts them by day."""
    return [day for day in range(first, newest) if found.get(day, 0) < localday.slots(day, tz)]


def gap(one: Gaps, watch: Watch) -> list[Alert]:
    """A meter's missing days, once they should have come."""
    late = [day for day in one.days if watch.now > localday.start(day + 1, one.tz) + SHOULD_BE_HERE]
    if not late:
        return []
    count = "a day" if len(late) == 1 else f"{len(late)} days"
    names = ", ".join(_date(localday.day(day)) for day in late[:3])
    more = f" and {len(late) - 3} more" if len(late) > 3 else ""
    return [
        Alert(
            Kind.GAP,
            f"meter:{one.id}",
            "caution",
            f"{one.name}: {count} not complete",
            localday.start(late[0], one.tz),
            f"Readings are missing on {names}{more}, though later days are here.",
            "Ask for the missing days, or add a file of them from the portal.",
            f"/gaps?point={one.id}",
        )
    ]


def file(one: File, watch: Watch) -> Alert:
    """A rejected file; it lasts until the file is read anew or withdrawn, thirty days at most."""
    kind = Kind.POISON if one.poison else Kind.REJECTED
    title = f"{one.name} stops its reader" if one.poison else f"{one.name} was rejected"
    todo = "Look at it; read it again after an update of Wattledger, or withdraw it."
    reason = one.reason[:LONGEST_REASON]
    text = f"Received {watch.moment(one.received)}. {reason}"
    level: Level = "bad" if one.poison else "caution"
    return Alert(kind, f"payload:{one.id}", level, title, one.received, text, todo, f"/files/{one.id}")


def over_of(whole: Equation, tz: str) -> Over:
    """Local days whose meter is wholly known and whose parts say more; places within a day don't matter."""
    cuts = edges(whole.start, whole.size, tz, "day")
    days, beyond, metered = [], 0, 0
    for first, last in pairwise(cuts):
        one = whole.cut(first, last)
        if one.meter is None or not one.size or not one.metered.all():
            continue
        metered += one.meter.total
        if one.explained > one.meter.total:
            days.append(localday.locate(one.start, tz)[0])
            beyond += one.explained - one.meter.total
    return Over(days, beyond, metered, tz)


def over(one: Over) -> list[Alert]:
    """Parts that explain more than the meter over whole days."""
    if not one.much:
        return []
    first = localday.day(one.days[0])
    return [
        Alert(
            Kind.OVER,
            "site",
            "caution",
            "The parts explain more than the meter",
            localday.start(one.days[0], one.tz),
            f"By {one.over_wh / 1000:,.1f} kWh since {_date(first)}, of {one.metered_wh / 1000:,.1f} kWh "
            "metered in the newest week. Something is counted twice, or its size is set wrongly.",
            "Look at the days; then set in Settings what is part of what, or a car's battery size.",
            f"/explorer?by=week&start={first:%Y-%m-%d}",
        )
    ]


def room(one: Room, watch: Watch) -> list[Alert]:
    """A disk that fills up."""
    if not one.low and not one.refusing:
        return []
    free = f"{one.free / 1e9:.0f} GB" if one.free >= 1e9 else f"{one.free // 10**6} MB"
    what = "Nothing more is taken in until there is room" if one.refusing else "Soon nothing more is taken in"
    return [
        Alert(
            Kind.DISK,
            f"disk:{one.name}",
            "bad" if one.refusing else "caution",
            "The disk is nearly full",
            watch.now.replace(minute=0, second=0, microsecond=0),
            f"About {free} are free on {one.name}. {what}; senders keep their data and try again.",
            "Make room, or move the data folder to a larger disk.",
            "/alerts",
        )
    ]


def _date(when: date) -> str:
    return f"{when.day} {when:%B %Y}"
