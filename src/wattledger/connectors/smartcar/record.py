"""What has been read so far of one payload: cars, values by (car, instant), and notes for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wattledger import localday
from wattledger.connectors.reading import mapping
from wattledger.connectors.smartcar.reading import identifier, text
from wattledger.errors import BadPayload, Refused
from wattledger.model import Observation, Parsed, PointKind, UsagePoint

DEFAULT_ZONE = "America/Chicago"
NAMELESS = "Car"
MOST_NOTES, LONGEST_NOTE = 50, 190
PLACE = frozenset({"latitude", "longitude"})
"""values that are kept apart from the others, sealed"""
Value = str | float | bool | None
Values = dict[str, Value]


@dataclass(slots=True)
class Record:
    """Filled by the readers of the single kinds of payload."""

    received: datetime
    zone: str = DEFAULT_ZONE
    points: dict[str, UsagePoint] = field(default_factory=dict)
    moments: dict[tuple[str, datetime], Values] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    unsaid: int = 0
    """notes beyond the most that are kept"""

    def car(self, id: str, said: Mapping[str, Any]) -> None:
        """A car by its vendor id; make, model and year from an answer or from headers."""
        known = self.points.get(id)
        if known is None or known.name == NAMELESS:
            self.points[id] = point_of(id, said, self.zone)

    def put(self, car: str, at: datetime, name: str, value: Value) -> None:
        """One value; where one instant has two, the first stays."""
        there = self.moments.setdefault((car, at), {})
        if there.setdefault(name, value) != value:
            self.note(f"{name} was said twice for one instant; the first value was kept")

    def note(self, what: str) -> None:
        """A diagnostic for people, on one short line; the same one counts once."""
        what = what[:LONGEST_NOTE]
        if what in self.notes:
            return
        if len(self.notes) < MOST_NOTES:
            self.notes[what] = None
        else:
            self.unsaid += 1

    def parsed(self) -> Parsed:
        """All of it. A car that was only mentioned is a usage point without observations."""
        index = {id: n for n, id in enumerate(self.points)}
        more = [f"{self.unsaid} more notes were left out"] if self.unsaid else []
        return Parsed(
            points=list(self.points.values()),
            observations=[_observation(index[car], at, said) for (car, at), said in self.moments.items()],
            kind="status",
            notes=[*self.notes, *more],
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the values of one path or signal go: one car at one instant."""

    record: Record
    car: str
    at: datetime
    about: str
    """the path or signal, for notes"""

    def put(self, name: str, value: Value) -> None:
        """One value of this car at this instant."""
        self.record.put(self.car, self.at, name, value)

    def note(self, why: str) -> None:
        """Why something of this path or signal was not recorded."""
        self.record.note(f"{self.about}: {why}")


def point_of(id: str, said: Mapping[str, Any], zone: str) -> UsagePoint:
    """The usage point of a car, named by make, model and year as far as they are known."""
    year = said.get("year")
    details = {
        "make": text(said.get("make")),
        "model": text(said.get("model")),
        "year": str(year) if isinstance(year, int) and 1900 < year < 2200 else text(year)[:4],
    }
    known = {key: value for key, value in details.items() if value}
    name = " ".join([_spoken(known.get("make", "")), *(known[key] for key in known if key != "make")]).strip()
    return UsagePoint(PointKind.VEHICLE, id, name or NAMELESS, zone, known)


def _spoken(make: str) -> str:
    """A make as people write it: the vendor shouts some (`TESLA`); short ones are initials (`BMW`)."""
    return make.title() if make.isupper() and len(make) > 4 else make


def car_of(headers: Mapping[str, str]) -> str:
    """The car that a payload's header names. Raises BadPayload."""
    id = identifier(headers.get("vehicle"))
    if id is None:
        raise BadPayload("The payload's header names no vehicle.", "no_vehicle")
    return id


def zone_of(headers: Mapping[str, str]) -> str:
    """The zone in which a new car's days are counted."""
    name = headers.get("timezone", "")
    try:
        localday.zone(name)
    except Refused:
        return DEFAULT_ZONE
    return name or DEFAULT_ZONE


def attributes(said: Any) -> Mapping[str, Any]:
    """Make, model and year of a v3 resource: below `attributes`, or beside its id."""
    return mapping(mapping(said).get("attributes")) or mapping(said)


def _observation(point: int, at: datetime, said: Values) -> Observation:
    private = {name: value for name, value in said.items() if name in PLACE and isinstance(value, float)}
    values = {name: value for name, value in said.items() if name not in PLACE}
    return Observation(point, at, values, private)
