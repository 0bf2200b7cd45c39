"""A site's equation over one period, ready to be shown: headline, bars, lines of the ledger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from wattledger import localday
from wattledger.insight.equation import Equation, Part, Track
from wattledger.insight.price import Price
from wattledger.insight.steps import edges
from wattledger.insight.typical import WEEKS, typical
from wattledger.model import PointKind
from wattledger.store import Store
from wattledger.units import kwh
from wattledger.web.balance import Placed, equation
from wattledger.web.pages import words
from wattledger.web.pages.chart import labels
from wattledger.web.pages.period import Period

TINTS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger: a part, or the rest. `usual` is what a like day or the period before had."""

    name: str
    colour: str
    wh: int
    guessed: int
    """of it estimated or derived, Wh"""
    known: str
    id: str | None = None
    usual: int | None = None
    inside: tuple[Line, ...] = ()

    @property
    def change(self) -> int | None:
        """Against the usual."""
        return None if self.usual is None else self.wh - self.usual


@dataclass(frozen=True, slots=True)
class Bar:
    """One column of the chart and one row of its table."""

    label: str
    long: str
    day: str
    one: Equation

    @property
    def meter(self) -> int | None:
        """What the meter says, Wh; None where it says nothing."""
        return _total(self.one.meter)

    @property
    def rest(self) -> int | None:
        """The rest, Wh; None where the meter says nothing."""
        return _total(self.one.rest)

    @property
    def sent(self) -> int | None:
        """What went to the grid, Wh."""
        return _total(self.one.sent)

    def used(self, index: int) -> int | None:
        """What the part at that place used, Wh."""
        return _total(self.one.parts[index].track)


@dataclass(frozen=True, slots=True)
class BalanceSheet:
    """All that the page shows of one period."""

    period: Period
    timezone: str
    whole: Equation
    bars: list[Bar]
    lines: list[Line]
    usual: int | None
    price: Price | None

    @property
    def metered(self) -> int:
        """Quarter-hours that the meter knows."""
        return int(self.whole.metered.sum())

    @property
    def total(self) -> int:
        """The left side: the meter, Wh; where it knows nothing, what the parts say."""
        return self.whole.meter.total if self.whole.meter and self.metered else self.whole.outside

    @property
    def change(self) -> int | None:
        """Against a usual day, or the period before, of equal completeness."""
        return None if self.usual is None or self.metered < self.whole.size else self.total - self.usual

    @property
    def share(self) -> str:
        """How much of the metered energy is explained: `76 %`."""
        if not self.metered or not self.total:
            return ""
        return f"{min(999, round(100 * self.whole.explained / self.total))} %"

    @property
    def cost(self) -> Decimal | None:
        """Of the metered energy and the days it covers."""
        if self.price is None or not self.metered:
            return None
        return self.price.energy(self.total) + self.fee

    @property
    def fee(self) -> Decimal:
        """The base fee's share."""
        return self.price.fee(self.period.days) if self.price else Decimal(0)


async def load(store: Store, points: Placed, period: Period, tz: str, price: Price | None) -> BalanceSheet:
    """Read a period of a site's equation."""
    whole = await whole_of(store, points, period, tz)
    bars = bars_of(whole, period, tz)
    before = await _before(store, points, period, tz)
    lines = _lines(whole, before)
    return BalanceSheet(period, tz, whole, bars, lines, before.get("", None), price)


async def whole_of(store: Store, points: Placed, period: Period, tz: str) -> Equation:
    """The equation of a whole period."""
    start, end = (localday.start(localday.number(day), tz) for day in (period.start, period.end))
    return await equation(store, points, start, end)


def bars_of(whole: Equation, period: Period, tz: str) -> list[Bar]:
    """The columns of a period's chart."""
    cuts = edges(whole.start, whole.size, tz, period.step)
    return [_bar(whole.cut(a, b), period, tz) for a, b in pairwise(cuts)]


async def _before(store: Store, points: Placed, period: Period, tz: str) -> dict[str, int]:
    """What is usual: by part's id, "rest" and "" for the meter; only where it is wholly known."""
    if period.by != "day":
        one = await whole_of(store, points, period.previous(), tz)
        return _sums(one) if one.size and one.metered.all() else {}
    day = localday.number(period.start)
    first = day - 7 * WEEKS
    start = localday.start(first, tz)
    past = await equation(store, points, start, localday.start(day, tz))
    cuts = edges(start, past.size, tz, "day")
    days = {first + i: past.cut(cuts[i], cuts[i + 1]) for i in range(0, 7 * WEEKS, 7)}
    sums = {n: _sums(one) for n, one in days.items() if one.size and one.metered.all()}
    names = {name for said in sums.values() for name in said}
    found = {name: typical({n: said[name] for n, said in sums.items()}, day) for name in names}
    return {name: wh for name, wh in found.items() if wh is not None}


def _sums(one: Equation) -> dict[str, int]:
    parts = {part.id: one.inside(part) for part in one.parts}
    return {"": one.meter.total if one.meter else 0, "rest": one.rest.total, **parts}


def _bar(one: Equation, period: Period, tz: str) -> Bar:
    end = one.start + one.size * localday.QUARTER
    label, long = labels(period, one.start, end, tz)
    return Bar(label, long, f"{words.local(one.start, tz):%Y-%m-%d}", one)


def _lines(whole: Equation, usual: dict[str, int]) -> list[Line]:
    lines, cooling = [], 0
    for part in whole.parts:
        colour = "car" if part.kind == PointKind.VEHICLE else f"ac-{cooling % TINTS}"
        cooling += part.kind != PointKind.VEHICLE
        lines.append(_line(whole, part, colour, usual.get(part.id)))
    if whole.metered.any():
        rest = whole.rest
        guessed = int(np.where(rest.guessed, np.maximum(rest.wh, 0), 0).sum())
        lines.append(
            Line("Rest", "rest", rest.total, guessed, "meter minus the above", "rest", usual.get("rest"))
        )
    return lines


def _line(whole: Equation, part: Part, colour: str, usual: int | None) -> Line:
    track = part.track.within(whole.metered) if whole.metered.any() else part.track
    guessed = int(track.wh[track.guessed].sum())
    inside = tuple(_line(whole, one, colour, None) for one in part.inside)
    return Line(part.name, colour, track.total, guessed, _known(part, track), part.id, usual, inside)


def _known(part: Part, track: Track) -> str:
    """How we know, in words."""
    if not track.known.any():
        return "nothing heard"
    spread = int(track.guessed.sum())
    if part.kind == PointKind.VEHICLE:
        return "charge level and capacity" if spread else "the car's counter"
    source = "sub-meter" if part.kind == PointKind.METER else "register"
    return f"{source}, {words.length(spread * localday.QUARTER)} spread" if spread else source


def _total(track: Track | None) -> int | None:
    return track.total if track is not None and track.known.any() else None


def document(sheet: BalanceSheet, links: dict[str, str], hidden: Collection[str] = ()) -> dict[str, Any]:
    """The chart's data: columns by bar, kWh as the API gives them, null where nothing is known."""
    bars, lines = sheet.bars, [line for line in sheet.lines if line.id != "rest"]
    parts = [_drawn(line, i, bars) for i, line in enumerate(lines) if line.id not in hidden]
    rest = [None if b.rest is None or "rest" in hidden else kwh(b.rest) for b in bars]
    return {
        "step": sheet.period.step, "by": sheet.period.by, "title": sheet.period.title,
        "labels": [b.label for b in bars], "long": [b.long for b in bars], "days": [b.day for b in bars],
        "meter": [None if b.meter is None else kwh(b.meter) for b in bars],
        "rest": rest, "known": [float(b.one.metered.mean()) if b.one.size else 0 for b in bars],
        "parts": parts, "links": links,
    }  # fmt: skip


def _drawn(line: Line, index: int, bars: Sequence[Bar]) -> dict[str, Any]:
    tracks = [bar.one.parts[index].track for bar in bars]
    guessed = [kwh(int(t.wh[t.guessed].sum())) for t in tracks]
    return {
        "name": line.name, "colour": line.colour, "kwh": [kwh(t.total) for t in tracks], "guessed": guessed,
    }  # fmt: skip
