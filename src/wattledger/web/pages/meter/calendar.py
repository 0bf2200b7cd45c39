"""A calendar of days, one cell each, by how much of the day is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from wattledger.localday import zone
from wattledger.web.pages import words

STEP = 16
MOST_WEEKS = 60
WIDTH = STEP * MOST_WEEKS


@dataclass(frozen=True, slots=True)
class Cell:
    """One day: where it lies in its strip, how it looks, what it says."""

    day: date
    x: int
    y: int
    look: str
    says: str


@dataclass(frozen=True, slots=True)
class Strip:
    """Up to sixty weeks from left to right, Sunday to Saturday from top to bottom."""

    cells: list[Cell]
    months: list[tuple[int, str]]
    """(x, name) where each month begins"""


def strips(points: Sequence[Any], tz: str) -> list[Strip]:
    """Strips of sixty weeks, newest first. `points` are the energy API's points by day, in time."""
    if not points:
        return []
    days = [p.start.astimezone(zone(tz)).date() for p in points]
    weeks = (_sunday(days[-1]) - _sunday(days[0])).days // 7 + 1
    first = _sunday(days[0]) - timedelta(weeks=-weeks % MOST_WEEKS if weeks > MOST_WEEKS else 0)
    rows: dict[int, list[Cell]] = {}
    for day, point in zip(days, points, strict=True):
        row, column = divmod((_sunday(day) - first).days // 7, MOST_WEEKS)
        rows.setdefault(row, []).append(_cell(day, column * STEP, point))
    return [Strip(cells, _months(cells)) for _, cells in sorted(rows.items(), reverse=True)]


def _sunday(day: date) -> date:
    return day - timedelta(days=(day.weekday() + 1) % 7)


def _cell(day: date, x: int, point: Any) -> Cell:
    row = (day.weekday() + 1) % 7
    if point.found == 0:
        look, known = "gone", "missing"
    elif point.found < point.expected:
        look, known = "part", f"{point.found} of {point.expected} quarter-hours"
    elif point.quality == "actual":
        look, known = "full", "measured"
    else:
        look, known = "estimated", "partly estimated" if point.quality == "mixed" else str(point.quality)
    energy = "" if point.wh is None else f", {words.kwh(point.wh)} kWh"
    return Cell(day, x, row * STEP, look, f"{words.short_day(day)}: {known}{energy}")


def _months(cells: Sequence[Cell]) -> list[tuple[int, str]]:
    found: dict[tuple[int, int], tuple[int, str]] = {}
    for cell in cells:
        name = f"{cell.day:%b %Y}" if cell.day.month == 1 or not found else f"{cell.day:%b}"
        found.setdefault((cell.day.year, cell.day.month), (cell.x, name))
    places = list(found.values())
    # two names closer than three weeks would overlap: the first, cut-off month gives way
    return [
        p
        for p, after in zip(places, [*places[1:], (WIDTH * 2, "")], strict=True)
        if after[0] - p[0] >= 3 * STEP
    ]
