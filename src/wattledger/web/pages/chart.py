"""What the chart component is given: one bar for each point of the energy API, in the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattledger import localday
from wattledger.localday import zone
from wattledger.units import kwh
from wattledger.web.pages import words
from wattledger.web.pages.period import Period
from wattledger.web.pages.slots import Slots, State, edges


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its labels, energy, how much of it is estimated, what is known, where a click leads."""

    start: datetime
    label: str
    long: str
    wh: int | None
    estimated_wh: int
    quality: str
    found: int
    due: int
    """quarter-hours that are expected by now: none before the first or after the newest reading"""
    day: str

    @property
    def known(self) -> str:
        """What is known in words: `actual`, `estimated`, `12 of 96 quarter-hours`."""
        if self.pending:
            return "not here yet"
        if self.found == 0:
            return "missing"
        if self.found < self.due:
            return f"{self.found} of {self.due} quarter-hours"
        return self.quality if self.quality != "mixed" else "partly estimated"

    @property
    def pending(self) -> bool:
        """Whether nothing is expected here yet."""
        return self.due == 0


def bars(period: Period, tz: str, points: Sequence[Any], slots: Slots) -> list[Bar]:
    """The bars of a period; `points` are what the energy API answers for it."""
    cuts = edges(slots, period, len(points))
    found = []
    for i, point in enumerate(points):
        state = slots.state[cuts[i] : cuts[i + 1]]
        guessed = int(slots.wh[cuts[i] : cuts[i + 1]][state == State.ESTIMATED].sum())
        begin = point.start.astimezone(zone(tz))
        label, long = labels(period, point.start, point.end, tz)
        due = int((state != State.NONE).sum())
        day = f"{begin:%Y-%m-%d}"
        quality = str(point.quality)
        found.append(Bar(point.start, label, long, point.wh, guessed, quality, point.found, due, day))
    return found


def labels(period: Period, start: datetime, end: datetime, tz: str) -> tuple[str, str]:
    """What a bar of [start, end) is called on the axis, and in full."""
    first, last = start.astimezone(zone(tz)), end.astimezone(zone(tz))
    if period.step == "day":
        return f"{first.day}", words.short_day(first)
    if period.step == "month":
        return f"{first:%b}", f"{first:%B %Y}"
    hours = f"{first:%H:%M}\N{EN DASH}{last:%H:%M}"
    if localday.slots(localday.number(first.date()), tz) != 96:
        hours += f" {first:%Z}"  # on a day when the clocks move, its letters tell the two passes apart
    if period.step == "interval":
        return f"{first:%H:%M}", hours
    return f"{first:%a} {first.day}", f"{first:%a} {first.day} {first:%b}, {hours}"


def document(
    period: Period,
    found: Sequence[Bar],
    name: str,
    links: dict[str, str],
    before: list[float | None] | None = None,
) -> dict[str, Any]:
    """The chart's data for the page: columns, kWh as the API gives them, null where nothing is known.

    `before` is the period before by bar, null where it isn't compared.
    """
    return {
        "step": period.step,
        "name": name,
        "title": period.title,
        "labels": [b.label for b in found],
        "long": [b.long for b in found],
        "kwh": [None if b.wh is None else kwh(b.wh) for b in found],
        "estimated": [kwh(b.estimated_wh) for b in found],
        "known": [b.known for b in found],
        "quality": ["pending" if b.pending else b.quality for b in found],
        "share": [b.found / b.due if b.due else 0 for b in found],
        "days": [b.day for b in found],
        "links": links,
        "by": period.by,
        "before": before,
    }
