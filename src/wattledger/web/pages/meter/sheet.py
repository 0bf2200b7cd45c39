"""One meter over one period, ready to be shown: the equation, the chart, the ribbon, the ledger."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from wattledger import localday
from wattledger.model import Flow, PointKind
from wattledger.store import Store
from wattledger.store.rows import Coverage, DayBlock, Revision, UsagePointRow
from wattledger.web.pages.chart import Bar, bars
from wattledger.web.pages.period import Period
from wattledger.web.pages.slots import Slots, State, edges, gather, runs


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger under the chart. `change` against the period before, None where unlike."""

    label: str
    slots: Slots
    wh: int
    change: int | None
    link: str | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that the meter page shows."""

    point: UsagePointRow
    flow: Flow
    period: Period
    coverage: Coverage
    slots: Slots
    before: Slots
    bars: list[Bar]
    lines: list[Line]
    revisions: list[Revision]
    payloads: list[int]

    @property
    def total(self) -> int:
        """Energy of the period, Wh."""
        return int(self.slots.wh.sum())

    @property
    def change(self) -> int | None:
        """Against the period before, where both are whole."""
        return change(self.slots, self.before)

    def state(self, state: State) -> tuple[int, int]:
        """Energy in Wh and number of quarter-hours in a state."""
        return self.slots.wh_of(state), self.slots.count(state)

    @property
    def ribbon(self) -> list[tuple[float, float, State]]:
        """Stretches of one state along the chart's axis (shares of its width)."""
        return list(runs(self.slots, edges(self.slots, self.period, len(self.bars)))) if self.bars else []

    @property
    def marks(self) -> list[float]:
        """Where along the axis a value was revised (shares of its width), one mark per bar."""
        starts = [b.start for b in self.bars]
        found = {bisect_right(starts, r.start) - 1 for r in self.revisions}
        return sorted((i + 0.5) / len(self.bars) for i in found if i >= 0)

    @property
    def peak(self) -> Bar | None:
        """The bar with the most energy."""
        known = [b for b in self.bars if b.wh is not None]
        return max(known, key=lambda b: b.wh or 0, default=None)


def change(now: Slots, before: Slots) -> int | None:
    """Energy now less energy before, None unless every quarter-hour of both is known."""
    for slots in (now, before):
        if slots.count(State.NONE) or slots.count(State.MISSING) or not len(slots.wh):
            return None
    return int(now.wh.sum() - before.wh.sum())


async def load(store: Store, point: UsagePointRow, flow: Flow, period: Period, coverage: Coverage) -> Sheet:
    """Read one period of one flow of one usage point, and the period before it."""
    first, border = localday.number(period.previous().start), localday.number(period.start)
    both = await store.energy.days(point.id, flow, first, localday.number(period.end) - 1)
    previous, blocks = [b for b in both if b.day < border], [b for b in both if b.day >= border]
    known = known_days(coverage)
    slots = gather(period, point.timezone, blocks, known, running=runs_on(point))
    before = gather(period.previous(), point.timezone, previous, known, running=runs_on(point))
    points = await store.energy.series(point, flow, period.start, period.end, period.step)
    shown = bars(period, point.timezone, points, slots)
    revisions = await _revisions(store, point, flow, period)
    lines = ledger(period, slots, before)
    return Sheet(point, flow, period, coverage, slots, before, shown, lines, revisions, _payloads(blocks))


async def _revisions(store: Store, point: UsagePointRow, flow: Flow, period: Period) -> list[Revision]:
    first, last = localday.number(period.start), localday.number(period.end) - 1
    return await store.energy.revisions(point, flow, first, last)


def runs_on(point: UsagePointRow) -> bool:
    """Whether readings come as time goes; a meter's come in whole days."""
    return point.kind != PointKind.METER


def known_days(coverage: Coverage) -> tuple[int, int] | None:
    """First and last day number with any reading; None where there is none."""
    if coverage.first_day is None or coverage.last_day is None:
        return None
    return localday.number(coverage.first_day), localday.number(coverage.last_day)


def _payloads(blocks: list[DayBlock]) -> list[int]:
    found: set[int] = set()
    for block in blocks:
        values = [block.payload] if isinstance(block.payload, int) else block.payload.tolist()
        found.update(int(v) for v in values if v and v > 0)
    return sorted(found, reverse=True)


_QUARTERS = ("Night", "Morning", "Afternoon", "Evening")


def ledger(period: Period, slots: Slots, before: Slots) -> list[Line]:
    """The period in parts that sum to it: four quarters of a day, days, weeks, or months."""
    if period.by == "day":
        return _day_parts(slots, before)
    lines = []
    earlier = len(before.offsets) - 1
    for label, first, last, link in _stretches(period):
        part = slots.part(first, last)
        old = before.part(min(first, earlier), min(last, earlier))
        alike = len(old.wh) == len(part.wh)
        lines.append(Line(label, part, int(part.wh.sum()), change(part, old) if alike else None, link))
    return lines


def _day_parts(slots: Slots, before: Slots) -> list[Line]:
    """Night to 6, morning to noon, afternoon to 18, evening. The hour the clocks move is the night's."""
    cuts, old = ([0, *(len(s.wh) - n for n in (72, 48, 24)), len(s.wh)] for s in (slots, before))
    hours = ("00\N{EN DASH}06", "06\N{EN DASH}12", "12\N{EN DASH}18", "18\N{EN DASH}24")
    lines = []
    for i, name in enumerate(_QUARTERS):
        part, was = _cut(slots, cuts[i], cuts[i + 1]), _cut(before, old[i], old[i + 1])
        lines.append(Line(f"{name} {hours[i]}", part, int(part.wh.sum()), change(part, was), None))
    return lines


def _cut(slots: Slots, first: int, last: int) -> Slots:
    return Slots(slots.wh[first:last], slots.state[first:last], slots.offsets[:1], 0)


def _stretches(period: Period) -> list[tuple[str, int, int, str | None]]:
    """(label, first day, end, period it leads to) by day index in the period."""
    days = period.days
    if period.by == "week":
        return [(f"{d:%A}", i, i + 1, f"day:{d}") for i, d in enumerate(days)]
    starts = [
        i for i, d in enumerate(days) if i == 0 or (d.day == 1 if period.by == "year" else d.weekday() == 6)
    ]
    found: list[tuple[str, int, int, str | None]] = []
    for first, last in zip(starts, [*starts[1:], len(days)], strict=True):
        a, b = days[first], days[last - 1]
        if period.by == "year":
            found.append((f"{a:%B}", first, last, f"month:{a}"))
        else:
            label = f"{a.day}\N{EN DASH}{b.day} {b:%b}" if a != b else f"{a.day} {a:%b}"
            found.append((label, first, last, f"week:{a}"))
    return found
