"""A unit's last 24 hours as a small drawing: room against what was asked for, and below what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from wattledger import localday
from wattledger.web.climate_day import Piece, Recent, runs
from wattledger.web.pages import words

WIDE, HIGH = 240.0, 54.0
"""of the part for degrees, in units of the drawing"""
MARGIN = 4.0
LEAST_DEGREES = 4.0
"""between bottom and top, so that a still room is no mountain range"""
DAY = timedelta(hours=24)
WORDS = {"cool": "cooling", "heat": "heating", "dry": "drying", "fan": "blowing"}


@dataclass(frozen=True, slots=True)
class Band:
    """A time for which a unit did one thing."""

    x: float
    width: float
    look: str
    says: str


@dataclass(frozen=True, slots=True)
class Key:
    """What one part of the drawing means, with its numbers in words."""

    look: str
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Paths and bands, `WIDE` for 24 hours; `says` all of it in words."""

    room: str
    asked: str
    did: Sequence[Band]
    nights: Sequence[float]
    """where midnight is"""
    keys: Sequence[Key]

    @property
    def says(self) -> str:
        """The drawing for those who don't see it."""
        return "The last 24 hours: " + "; ".join(key.text for key in self.keys)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Where instants and degrees are drawn."""

    start: datetime
    low: float
    high: float

    def x(self, when: datetime) -> float:
        return round(min(max((when - self.start) / DAY, 0.0), 1.0) * WIDE, 2)

    def y(self, degrees: float) -> float:
        return round(HIGH - MARGIN - (degrees - self.low) / (self.high - self.low) * (HIGH - 2 * MARGIN), 2)


def draw(seen: Recent, zone: str) -> Drawing | None:
    """The 24 hours before the end of what was seen; None where nothing is known of them."""
    start = seen.end - DAY
    room = _from(seen.room, start)
    asked, did = ([p for p in part if p.end > start] for part in (seen.asked, seen.did))
    if not (room or asked or did):
        return None
    degrees = [value for _, value in room] + [float(p.value) for p in asked]
    sheet = _sheet(start, degrees)
    bands = [_band(p, sheet, zone) for p in did]
    midnight = localday.start(localday.today(seen.end, zone), zone)
    nights = [sheet.x(midnight)] if midnight > start else []
    return Drawing(_line(room, sheet), _steps(asked, sheet), bands, nights, _keys(room, asked, did, start))


def _from(room: Sequence[tuple[datetime, float]], start: datetime) -> list[tuple[datetime, float]]:
    """Readings from an instant on, with the one that held there."""
    before = [value for at, value in room if at <= start]
    return ([(start, before[-1])] if before else []) + [(at, value) for at, value in room if at > start]


def _sheet(start: datetime, degrees: Sequence[float]) -> _Sheet:
    low, high = min(degrees, default=0.0), max(degrees, default=0.0)
    more = max(0.0, LEAST_DEGREES - (high - low)) / 2
    return _Sheet(start, low - more, high + more)


def _line(room: Sequence[tuple[datetime, float]], sheet: _Sheet) -> str:
    points = [f"{sheet.x(at):g} {sheet.y(value):g}" for at, value in room]
    return f"M{' L'.join(points)}" if len(points) > 1 else ""


def _steps(asked: Sequence[Piece], sheet: _Sheet) -> str:
    parts = [f"M{sheet.x(p.start):g} {sheet.y(p.value):g}H{sheet.x(p.end):g}" for p in asked]
    for n, (one, other) in enumerate(pairwise(asked)):
        if one.end == other.start:
            parts[n + 1] = f"V{sheet.y(other.value):g}H{sheet.x(other.end):g}"
    return "".join(parts)


def _band(piece: Piece, sheet: _Sheet, zone: str) -> Band:
    x = sheet.x(piece.start)
    width = round(max(sheet.x(piece.end) - x, 0.4), 2)
    when = f"{words.clock(max(piece.start, sheet.start), zone)} to {words.clock(piece.end, zone)}"
    return Band(x, width, "ran" if runs(piece.value) else "idle", f"{when}: {named(piece.value)}")


def named(word: str) -> str:
    """What a unit did, in words: `cooling, fan auto`."""
    mode, _, fan = word.partition(", ")
    return ", ".join(filter(None, [WORDS.get(mode, mode), fan]))


def _keys(
    room: Sequence[tuple[datetime, float]], asked: Sequence[Piece], did: Sequence[Piece], start: datetime
) -> list[Key]:
    keys = []
    if room:
        keys.append(Key("measured", f"room {_span([value for _, value in room])}"))
    if asked:
        keys.append(Key("asked", f"set to {_span([float(p.value) for p in asked])}"))
    spent: dict[str, timedelta] = {}
    for piece in did:
        word = named(piece.value).partition(", ")[0]
        spent[word] = spent.get(word, timedelta()) + (piece.end - max(piece.start, start))
    still = {named(p.value) for p in did if not runs(p.value)}
    for word, length in sorted(spent.items(), key=lambda one: (one[0] in still, -one[1])):
        keys.append(Key("idle" if word in still else "ran", f"{word} {words.length(length)}"))
    return keys


def _span(degrees: Sequence[float]) -> str:
    low, high = min(degrees), max(degrees)
    return f"{low:.1f} °C" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f} °C"
