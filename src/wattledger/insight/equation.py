"""The equation of a site: meter = car + each unit + rest, quarter-hour by quarter-hour, to the watt-hour.

The meter is the truth; rest is what the parts do not explain. Where the parts say more than the meter,
rest is negative and shown so, never scaled away. A quarter-hour that the meter does not know has no rest:
what parts used then stands outside the equation. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, reduce
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wattledger import localday
from wattledger.faults import sabotaged
from wattledger.localday import QUARTER
from wattledger.model import MISSING, Flag, PointKind

GUESSED = int(Flag.ESTIMATED | Flag.DERIVED)
WHOLE, PART, OUT = "whole", "part", "out"
PLACES = (WHOLE, PART, OUT)
"""in the equation as the meter's side, as a part of it, or not at all"""


class Block(Protocol):
    """A local day of one usage point and flow, as the store reads it."""

    @property
    def day(self) -> int: ...
    @property
    def tz(self) -> str: ...
    @property
    def values(self) -> NDArray[np.int32]: ...
    @property
    def flags(self) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, slots=True)
class Track:
    """Energy over n quarter-hours in a row (UTC): Wh, 0 where `known` is false."""

    wh: NDArray[np.int64]
    known: NDArray[np.bool_]
    guessed: NDArray[np.bool_]
    """estimated by the utility, or derived by us"""

    @classmethod
    def empty(cls, n: int) -> Track:
        """Nothing known."""
        return cls(np.zeros(n, np.int64), np.zeros(n, bool), np.zeros(n, bool))

    @property
    def total(self) -> int:
        """Energy of all that is known, Wh."""
        return int(self.wh.sum())

    def within(self, where: NDArray[np.bool_]) -> Track:
        """The same, with nothing known elsewhere."""
        return Track(np.where(where, self.wh, 0), self.known & where, self.guessed & where)

    def cut(self, first: int, last: int) -> Track:
        """Quarter-hours first up to but without last."""
        return Track(self.wh[first:last], self.known[first:last], self.guessed[first:last])


@dataclass(frozen=True, slots=True)
class Part:
    """One usage point's share of the equation; `inside` are those that are part of it, counted with it."""

    id: str
    name: str
    kind: str
    track: Track
    inside: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Equation:
    """Quarter-hours from `start` on. `meter` is None where the site has none."""

    start: datetime
    meter: Track | None
    sent: Track | None
    """what the site sent to the grid: stands apart, and makes the rest a lower bound"""
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """How many quarter-hours."""
        return len(self.metered)

    @cached_property
    def metered(self) -> NDArray[np.bool_]:
        """n: where the meter is known, and so the equation holds."""
        if self.meter is not None:
            return self.meter.known
        return np.zeros(len(self.parts[0].track.wh) if self.parts else 0, bool)

    @cached_property
    def rest(self) -> Track:
        """Meter less parts where the meter is known; negative where more is explained than metered."""
        if self.meter is None:
            return Track.empty(self.size)
        explained = sum_of([part.track.within(self.meter.known) for part in self.parts], self.size)
        wh = self.meter.wh - explained.wh
        if sabotaged("over_explained"):
            wh = np.maximum(wh, 0)
        return Track(wh, self.meter.known, self.meter.guessed | explained.guessed)

    @property
    def over(self) -> int:
        """Wh by which quarter-hours are explained beyond what was metered."""
        rest = self.rest.wh
        return -int(rest[rest < 0].sum())

    def inside(self, part: Part) -> int:
        """What a part used while the meter was known: its side of the equation, Wh."""
        return part.track.within(self.metered).total

    @property
    def outside(self) -> int:
        """What parts used in quarter-hours that the meter doesn't know (yet), Wh."""
        return sum(part.track.total - self.inside(part) for part in self.parts)

    @property
    def explained(self) -> int:
        """What the parts say of the metered quarter-hours, Wh."""
        return sum(self.inside(part) for part in self.parts)

    def cut(self, first: int, last: int) -> Equation:
        """The equation of quarter-hours first up to but without last."""
        parts = tuple(_cut(part, first, last) for part in self.parts)
        meter, sent = (t.cut(first, last) if t else None for t in (self.meter, self.sent))
        return Equation(self.start + first * QUARTER, meter, sent, parts)


def _cut(part: Part, first: int, last: int) -> Part:
    inside = tuple(_cut(one, first, last) for one in part.inside)
    return replace(part, track=part.track.cut(first, last), inside=inside)


def lay(blocks: Iterable[Block], start: datetime, n: int) -> Track:
    """Lay stored local days out on n quarter-hours from `start` on; what lies outside is left out."""
    track = Track.empty(n)
    for block in blocks:
        first = (localday.start(block.day, block.tz) - start) // QUARTER
        low, high = max(first, 0), min(first + len(block.values), n)
        if low >= high:
            continue
        values, flags = block.values[low - first : high - first], block.flags[low - first : high - first]
        known = values != MISSING
        track.wh[low:high] = np.where(known, values, 0)
        track.known[low:high] = known
        track.guessed[low:high] = known & ((flags & GUESSED) != 0)
    return track


def sum_of(tracks: Sequence[Track], n: int) -> Track:
    """Several as one: known where any is."""
    return reduce(
        lambda a, b: Track(a.wh + b.wh, a.known | b.known, a.guessed | b.guessed), tracks, Track.empty(n)
    )


def all_of(tracks: Sequence[Track]) -> Track | None:
    """Several meters as one: known only where each is. None for none."""
    if not tracks:
        return None
    known = np.logical_and.reduce([track.known for track in tracks])
    return sum_of(tracks, len(known)).within(known)


def place_of(kind: str, choices: Mapping[str, Any]) -> str:
    """Where a usage point stands in the equation: its owner's choice, else meters are its whole."""
    chosen = choices.get("equation")
    if chosen in PLACES:
        return str(chosen)
    return WHOLE if kind == PointKind.METER else PART


def nested(parts: Sequence[Part], parents: Mapping[str, str]) -> tuple[Part, ...]:
    """Parts whose parent is a part too go inside it; those whose parents lead into a circle stay on top."""
    known = {part.id: part for part in parts}
    above = {id: p for id, p in parents.items() if id in known and p in known and _ends(id, parents)}

    def grown(part: Part) -> Part:
        inside = tuple(grown(known[id]) for id, parent in above.items() if parent == part.id)
        return replace(part, inside=inside)

    return tuple(grown(part) for part in parts if part.id not in above)


def _ends(id: str, parents: Mapping[str, str]) -> bool:
    """Whether going from parent to parent comes to an end."""
    seen: set[str] = set()
    at: str | None = id
    while at is not None and at not in seen:
        seen.add(at)
        at = parents.get(at)
    return at is None
