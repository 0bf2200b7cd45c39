"""Gaps and months of a partition, as the ledger's own questions answer them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from wattledger import localday
from wattledger.fleet.held import Held, Point
from wattledger.localday import QUARTER
from wattledger.store.ledger.bounds import Bounds
from wattledger.store.ledger.gaps import before, gaps, known_between, partly, within
from wattledger.store.ledger.series import by_days
from wattledger.store.rows import DayBlock, Gap, SeriesPoint

Blocks = Mapping[int, DayBlock]


class Month(NamedTuple):
    """A local month of one usage point and flow."""

    point: Point
    flow: int
    month: date
    value: SeriesPoint


class Run(NamedTuple):
    """A gap of one usage point and flow."""

    point: Point
    flow: int
    gap: Gap


def months(held: Held) -> Iterator[Month]:
    """From each first day to each last, as `series` by month gives them."""
    for point, flow, rows in held.series():
        first, last = int(held.day[rows][0]), int(held.day[rows][-1])
        tz = point.timezone
        span = Bounds(localday.start(first, tz), localday.start(last + 1, tz), first, last, tz)
        begins = first
        for value in by_days(held.totals(rows), (), span, following):
            yield Month(point, flow, localday.day(begins).replace(day=1), value)
            begins = following(begins)


def following(day: int) -> int:
    """The day at which the next month begins."""
    date_ = localday.day(day)
    return localday.number(date(date_.year + date_.month // 12, date_.month % 12 + 1, 1))


def needed(held: Held) -> list[int]:
    """The rows whose slots `runs` looks at: days known in part, and others' first and last days."""
    rows: set[int] = set()
    for point, _, span in held.series():
        days, found = held.day[span].tolist(), held.found[span].tolist()
        odd = [i for i, n in enumerate(found) if n != localday.slots(days[i], point.timezone)]
        rows.update(span.start + i for i in odd)
        if not point.is_meter:
            rows.update((span.start, span.stop - 1))
    return sorted(rows)


def runs(held: Held, slots: Blocks, now: datetime) -> Iterator[Run]:
    """Runs of quarter-hours without a reading, as `gaps` gives them; `slots` by the rows of `needed`."""
    for point, flow, rows in held.series():
        blocks = {slots[i].day: slots[i] for i in range(rows.start, rows.stop) if i in slots}
        found = dict(zip(held.day[rows].tolist(), held.found[rows].tolist(), strict=True))
        for gap in _of(point, found, blocks, now):
            yield Run(point, flow, gap)


def _of(point: Point, found: Mapping[int, int], blocks: Blocks, now: datetime) -> list[Gap]:
    first, last, tz = min(found), max(found), point.timezone
    chosen = set(partly(found, first, last, tz))
    missing = gaps(found, {d: b for d, b in blocks.items() if d in chosen}, first, last, tz)
    if not missing or (point.is_meter and missing[-1].end <= now):
        return missing
    ends = [blocks[day] for day in (first, last) if day in blocks]
    if point.is_meter:
        return before(missing, max(now, known_between([blocks[last]], tz)[1]), tz)
    return within(missing, ends, tz)


def month_sums(found: list[Month]) -> dict[str, list[int]]:
    """By `2026-01 delivered`: usage points, Wh, quarter-hours found and expected."""
    out: dict[str, list[int]] = {}
    for one in found:
        sums = out.setdefault(f"{one.month:%Y-%m} {one.flow}", [0, 0, 0, 0])
        for i, n in enumerate((1, one.value.wh or 0, one.value.found, one.value.expected)):
            sums[i] += n
    return out


def gap_sums(held: Held, found: list[Run]) -> dict[str, Any]:
    """Series, those with gaps, runs, and missing quarter-hours."""
    return {
        "series": sum(1 for _ in held.series()),
        "with_gaps": len({(run.point.external_id, run.flow) for run in found}),
        "runs": len(found),
        "missing": sum(run.gap.slots for run in found),
    }


def at_quarter(seconds: float) -> datetime:
    """The border of quarter-hours at or before an instant."""
    epoch = localday.start(0, "UTC")
    return epoch + int(seconds // QUARTER.total_seconds()) * QUARTER
