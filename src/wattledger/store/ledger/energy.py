"""Energy of a usage point: days, series, gaps, revisions, coverage."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, select

from wattledger import localday
from wattledger.localday import QUARTER
from wattledger.model import Flow, PointKind
from wattledger.store.database import Database
from wattledger.store.ledger.bounds import bounds
from wattledger.store.ledger.days import read_blocks, read_superseded, read_totals
from wattledger.store.ledger.gaps import before, gaps, known_between, partly, within
from wattledger.store.ledger.revisions import revisions
from wattledger.store.ledger.series import by_days, by_slots, cuts
from wattledger.store.rows import By, Coverage, DayBlock, Gap, Revision, SeriesPoint, UsagePointRow
from wattledger.store.tables import energy_day, usage_point

EPOCH = datetime.fromtimestamp(0, UTC)


class Energy:
    """The ledger as it is read. Days are local day numbers, first and last included."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def days(self, point: str, flow: Flow, first: int, last: int) -> list[DayBlock]:
        """The stored blocks of the usage point with that public id."""
        query = select(usage_point.c.n, usage_point.c.timezone).where(usage_point.c.id == point)
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return []
        return await read_blocks(self._database, row.n, flow, first, last, row.timezone)

    async def series(
        self, point: UsagePointRow, flow: Flow, start: date | datetime, end: date | datetime, by: By
    ) -> list[SeriesPoint]:
        """Energy of [start, end) in steps; bounds are local dates or aware instants.

        `wh` is None where nothing is known. Raises Refused for bad bounds.
        """
        span = bounds(start, end, point.timezone)
        if by in ("interval", "hour"):
            blocks = await self._blocks(point, flow, span.first, span.last)
            return list(by_slots(blocks, span, 1 if by == "interval" else 4))
        totals = await read_totals(self._database, point.n, flow, span.first, span.last)
        edges = [block for day in cuts(span) for block in await self._blocks(point, flow, day, day)]
        return list(by_days(totals, edges, span, _next_day if by == "day" else _next_month))

    async def gaps(
        self, point: UsagePointRow, flow: Flow, first: int | None = None, last: int | None = None
    ) -> list[Gap]:
        """Runs of quarter-hours without a reading, whole days included, oldest first.

        Without bounds: from the first to the last day that is known. A meter's days come whole, and what is
        yet to come is not missing; elsewhere nothing is before the first reading and after the newest.
        """
        runs = await self._gaps(point, flow, first, last)
        if not runs or (point.kind == PointKind.METER and runs[-1].end <= self._now()):
            return runs
        known = await self.coverage(point, flow)
        if point.kind == PointKind.METER:
            return before(runs, max(self._now(), known.newest or self._now()), point.timezone)
        if known.first_day is None or known.last_day is None:
            return []
        ends = [localday.number(known.first_day), localday.number(known.last_day)]
        blocks = [block for day in ends for block in await self._blocks(point, flow, day, day)]
        return within(runs, blocks, point.timezone)

    async def _gaps(self, point: UsagePointRow, flow: Flow, first: int | None, last: int | None) -> list[Gap]:
        if first is None or last is None:
            known = await self.coverage(point, flow)
            if known.first_day is None or known.last_day is None:
                return []
            first = localday.number(known.first_day) if first is None else first
            last = localday.number(known.last_day) if last is None else last
        tz, totals = point.timezone, await read_totals(self._database, point.n, flow, first, last)
        found = {total.day: total.found for total in totals}
        days = partly(found, first, last, tz)
        blocks = await self._blocks(point, flow, days[0], days[-1]) if days else []
        chosen = set(days)
        return gaps(found, {b.day: b for b in blocks if b.day in chosen}, first, last, tz)

    async def revisions(self, point: UsagePointRow, flow: Flow, first: int, last: int) -> list[Revision]:
        """Every value that lost in these days, with the one that holds, by slot."""
        lost = await read_superseded(self._database, point.n, flow, first, last)
        if not lost:
            return []
        blocks = await self._blocks(point, flow, lost[0][0], lost[-1][0])
        return await asyncio.to_thread(revisions, lost, blocks, point.timezone)

    async def coverage(self, point: UsagePointRow, flow: Flow) -> Coverage:
        """What is known between the first and the last day; zeros where nothing is.

        Expected are the quarter-hours in which `gaps` would miss a reading: a meter's days come whole, a
        running one as far as it has passed; elsewhere from the first reading to the newest.
        """
        table = energy_day
        query = select(
            func.min(table.c.day),
            func.max(table.c.day),
            *(func.sum(table.c[name]) for name in ("found", "estimated", "total_wh")),
        ).where(table.c.usage_point == point.n, table.c.flow == int(flow))
        async with self._database.connect() as connection:
            row: Any = (await connection.execute(query)).one()
        first, last, found, estimated, wh = row
        if first is None:
            return Coverage(None, None, 0, 0, 0, 0, None)
        blocks = [block for day in {first, last} for block in await self._blocks(point, flow, day, day)]
        begin, newest = known_between(sorted(blocks, key=lambda b: b.day), point.timezone)
        end = newest
        if point.kind == PointKind.METER:
            begin = localday.start(first, point.timezone)
            end = min(localday.start(last + 1, point.timezone), max(newest, self._now()))
        expected = (end - begin) // QUARTER
        days = (localday.day(first), localday.day(last))
        return Coverage(*days, int(found), expected, int(estimated), int(wh), newest)

    def _now(self) -> datetime:
        """The present, at the last border of quarter-hours."""
        now = self._database.clock.now()
        return now - (now - EPOCH) % QUARTER

    async def _blocks(self, point: UsagePointRow, flow: Flow, first: int, last: int) -> list[DayBlock]:
        return await read_blocks(self._database, point.n, flow, first, last, point.timezone)


def _next_day(day: int) -> int:
    return day + 1


def _next_month(day: int) -> int:
    date_ = localday.day(day)
    return localday.number(date(date_.year + date_.month // 12, date_.month % 12 + 1, 1))
