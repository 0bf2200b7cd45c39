"""Register reports in the ledger: a verdict beside each, and the energy they book, in the same transaction.

Accounting follows the order of receipt (payload, then instant). A payload that comes in order is added to
what is booked; one that comes late makes its usage points be recomputed whole from their observations.
Both give the same ledger, since spreading is additive and judging goes on from a stored state.

The delivered flow of a usage point with a register belongs to its register alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import and_, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.accounting import Report, State, account, report_of
from wattledger.faults import sabotaged
from wattledger.model import Flow
from wattledger.store.ledger.bulk import LEDGER, Bulk
from wattledger.store.observed import booked_days
from wattledger.store.observed.booked_days import Booked
from wattledger.store.observed.many import Remembered, Row, many
from wattledger.store.observed.register_state import Latest, dump, learn, load
from wattledger.store.tables import energy_day, observation, usage_point

PAGE = 2000
"""observations recomputed at a time: bounds memory"""


@dataclass(slots=True)
class Known:
    """What is remembered of one usage point."""

    payload: int = 0
    state: State = field(default_factory=State)
    latest: Latest = field(default_factory=dict)


class Registers:
    """See the module."""

    def __init__(self, bulk: Bulk) -> None:
        self._bulk = bulk

    async def take(
        self, connection: AsyncConnection, payload: int, rows: Sequence[Row], zones: Mapping[int, str]
    ) -> None:
        """Store a payload's new observations with their verdicts, and book what they report.

        `rows` are in the order of their instants; `zones` by usage point. The caller holds their locks.
        """
        if not rows:
            return
        known = await _known(connection, {row["usage_point"] for row in rows})
        booked, again = Booked(), set()
        for number, mine in _by_point(rows).items():
            there = known.setdefault(number, Known())
            late = any(report for _, report in mine) and there.payload > payload
            if late and not sabotaged("register_recompute"):
                again.add(number)
                continue
            _advance(there, mine, booked, number, zones[number])
        await many(connection).insert(connection, LEDGER.observation, rows)
        await booked_days.add(connection, self._bulk, booked)
        await _remember(connection, {n: k for n, k in known.items() if n not in again})
        await self.rebuild(connection, again)

    async def rebuild(self, connection: AsyncConnection, numbers: Iterable[int]) -> None:
        """Recompute the verdicts and the energy of these usage points from all their observations."""
        for number in sorted(numbers):
            zone = await connection.scalar(select(usage_point.c.timezone).where(usage_point.c.n == number))
            there, booked = Known(), Booked()
            async for page in _pages(connection, number):
                before = [(row["verdict"], row["booked_wh"]) for row in page]
                await asyncio.to_thread(_advance, there, _with_reports(page), booked, number, str(zone))
                await _correct(connection, page, before)
            mine = (energy_day.c.usage_point == number) & (energy_day.c.flow == int(Flow.DELIVERED))
            if there.payload:
                await connection.execute(delete(energy_day).where(mine))
                await self._bulk.insert(connection, LEDGER, booked_days.rows(booked))
            await _remember(connection, {number: there})


def _advance(
    there: Known, mine: list[tuple[Row, Report | None]], booked: Booked, number: int, zone: str
) -> None:
    """Judge reports in order, collect what they book, and remember."""
    told = [(row, report) for row, report in mine if report is not None]
    carried = there.state.booked
    judged, there.state = account([report for _, report in told], there.state)
    bookings = []
    for (row, _), one in zip(told, judged, strict=True):
        row["verdict"], row["booked_wh"] = one.verdict.value, str(one.wh)
        there.payload = max(there.payload, row["payload"])
        if one.booking:
            bookings.append((one.booking, row["payload"]))
    booked.book(number, zone, bookings, carried)
    for row, _ in mine:
        learn(there.latest, row["at"], row["payload"], row["values"])


def _by_point(rows: Iterable[Row]) -> dict[int, list[tuple[Row, Report | None]]]:
    found: dict[int, list[tuple[Row, Report | None]]] = {}
    for row, report in _with_reports(rows):
        found.setdefault(row["usage_point"], []).append((row, report))
    return found


def _with_reports(rows: Iterable[Row]) -> list[tuple[Row, Report | None]]:
    return [(row, report_of(row["at"], row["values"])) for row in rows]


async def _known(connection: AsyncConnection, numbers: set[int]) -> dict[int, Known]:
    rows = await many(connection).remembered(connection, sorted(numbers))
    return {row.usage_point: Known(row.payload, load(row.register), dict(row.latest)) for row in rows}


async def _remember(connection: AsyncConnection, known: Mapping[int, Known]) -> None:
    if known:
        rows = [Remembered(n, k.payload, dump(k.state), k.latest) for n, k in known.items()]
        await many(connection).remember(connection, rows)


async def _pages(connection: AsyncConnection, number: int) -> AsyncIterator[list[Row]]:
    """All observations of a usage point in the order of receipt."""
    order = (observation.c.payload, observation.c.at)
    query = select(observation).where(observation.c.usage_point == number).order_by(*order).limit(PAGE)
    after = query
    while page := [dict(row) for row in (await connection.execute(after)).mappings()]:
        yield page
        last = page[-1]
        later = and_(observation.c.payload == last["payload"], observation.c.at > last["at"])
        after = query.where(or_(observation.c.payload > last["payload"], later))


async def _correct(
    connection: AsyncConnection, page: Sequence[Row], before: Sequence[tuple[str | None, str | None]]
) -> None:
    changed = [
        {"n": r["usage_point"], "when": r["at"], "of": r["payload"], "v": r["verdict"], "b": r["booked_wh"]}
        for r, was in zip(page, before, strict=True)
        if (r["verdict"], r["booked_wh"]) != was
    ]
    if changed:
        table = observation
        mine = (
            (table.c.usage_point == bindparam("n"))
            & (table.c.at == bindparam("when", type_=table.c.at.type))
            & (table.c.payload == bindparam("of"))
        )
        statement = update(table).where(mine).values(verdict=bindparam("v"), booked_wh=bindparam("b"))
        await connection.execute(statement, changed)
