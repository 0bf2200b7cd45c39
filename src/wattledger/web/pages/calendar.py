"""A calendar of days, one cell each, by how much of the day is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from wattledger.localday import zone
from wattledger.web.pages import words

CELL = 14
STEP = 17


@dataclass(frozen=True, slots=True)
class Cell:
    """One day: where it lies in its year's strip, how it looks, what it says."""

    day: date
    x: int
    y: int
    look: str
    says: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One year: weeks from left to right, Sunday to Saturday from top to bottom."""

    year: int
    cells: list[Cell]
    months: list[tuple[int, str]]
    """(x, name) where each month begins"""


def strips(points: Sequence[Any], tz: str) -> list[Strip]:
    """Years, newest first. `points` are the energy API's points by day."""
    years: dict[int, list[Cell]] = {}
    for point in points:
        day = point.start.astimezone(zone(tz)).date()
        years.setdefault(day.year, []).append(_cell(day, point))
    return [Strip(y, cells, _months(cells)) for y, cells in sorted(years.items(), reverse=True)]


def _cell(day: date, point: Any) -> Cell:
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
    return Cell(day, week_of(day) * STEP, row * STEP, look, f"{words.short_day(day)}: {known}{energy}")


def week_of(day: date) -> int:
    """The week of the year's strip, from 0; weeks begin on Sunday."""
    first = day.replace(month=1, day=1)
    begin = first - timedelta(days=(first.weekday() + 1) % 7)
    return (day - begin).days // 7


def _months(cells: Sequence[Cell]) -> list[tuple[int, str]]:
    found: dict[int, tuple[int, str]] = {}
    for cell in cells:
        found.setdefault(cell.day.month, (cell.x, f"{cell.day:%b}"))
    return list(found.values())
