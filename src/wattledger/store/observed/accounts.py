"""Observations become energy in the ledger: a verdict beside each, and what it books, in one transaction.

Each usage point has an account of its kind (`registers`, `cars`) with an order of its own. A payload that
comes in that order is added to what is booked; one that comes late makes its usage points be recomputed whole
from their observations. Both give the same ledger, since spreading is additive and judging goes on from a
stored state. The delivered flow of a usage point with such an account belongs to it alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger import localday
from wattledger.faults import sabotaged
from wattledger.model import Flow, PointKind
from wattledger.secrets import Vault
from wattledger.store.ledger.bulk import LEDGER, Bulk
from wattledger.store.observed import booked_days
from wattledger.store.observed.booked_days import Booked, Entry, Kept
from wattledger.store.observed.cars import CarAccount, Cars, Mark
from wattledger.store.observed.many import many
from wattledger.store.observed.register_state import Latest, learn
from wattledger.store.observed.registers import RegisterAccount
from wattledger.store.observed.rows import Remembered, Row
from wattledger.store.tables import energy_day, observation, usage_point

PAGE = 2000
"""observations recomputed at a time: bounds memory"""


class Account(Protocol):
    """What is remembered of one usage point's energy, and the rule that goes on from there."""

    by_receipt: ClassVar[bool]
    """whether observations are judged in the order of receipt; if not, of their instants"""
    payload: int
    """the newest that was judged"""

    @property
    def carried(self) -> Decimal:
        """Sum of everything booked so far, Wh."""
        ...

    def dump(self) -> Mapping[str, Any]:
        """As JSON."""
        ...

    def owns(self) -> bool:
        """Whether the delivered flow is this account's."""
        ...

    def late(self, rows: Sequence[Row]) -> bool:
        """Whether one of these observations belongs before one that was judged."""
        ...

    def mark_of(self, rows: Sequence[Row]) -> Mark | None:
        """The newest mark before these late observations; None: the whole has to be found anew."""
        ...

    def mark_due(self, at: datetime, zone: str) -> int | None:
        """The local day that a mark has to keep before an observation of that instant; None: no mark."""
        ...

    def mark(self, kept: Kept) -> None:
        """Set a mark: what is remembered now, and what that day holds."""
        ...

    def advance(self, rows: Sequence[Row]) -> list[Entry]:
        """Judge in order: verdicts are written into the rows, what they book is returned."""
        ...


@dataclass(slots=True)
class Known:
    """What is remembered of one usage point."""

    account: Account
    latest: Latest = field(default_factory=dict)


class Accounts:
    """See the module."""

    def __init__(self, bulk: Bulk, vault: Vault) -> None:
        self._bulk = bulk
        self._cars = Cars(vault)

    async def take(
        self,
        connection: AsyncConnection,
        rows: Sequence[Row],
        zones: Mapping[int, str],
        vehicles: Collection[int] = (),
    ) -> None:
        """Store a payload's new observations with their verdicts, and book what they tell.

        `rows` are in the order of their instants; `zones` by usage point, `vehicles` those that are cars.
        The caller holds their locks.
        """
        if not rows:
            return
        known = await self._known(connection, {row["usage_point"] for row in rows}, vehicles)
        told = _by_point(rows)
        late = {n: known[n].account.mark_of(mine) for n, mine in told.items() if known[n].account.late(mine)}
        await self._mark(connection, known, {n: m for n, m in told.items() if n not in late}, zones)
        booked = Booked()
        for number, mine in told.items():
            if number not in late:
                _advance(known[number], mine, booked, number, zones[number])
        await many(connection).insert(connection, LEDGER.observation, rows)
        await booked_days.add(connection, self._bulk, booked)
        await _remember(connection, {n: k for n, k in known.items() if n not in late})
        for number, mark in sorted(late.items()):
            await self._again(connection, number, known[number] if mark else None, mark)

    async def rebuild(self, connection: AsyncConnection, numbers: Iterable[int]) -> None:
        """Recompute the verdicts and the energy of these usage points from all their observations."""
        for number in sorted(numbers):
            await self._again(connection, number)

    async def _again(
        self,
        connection: AsyncConnection,
        number: int,
        there: Known | None = None,
        mark: Mark | None = None,
    ) -> None:
        """Recompute one usage point; with a mark, what follows it."""
        row = (await connection.execute(select(usage_point).where(usage_point.c.n == number))).one()
        zone, booked = str(row.timezone), Booked()
        if there is None:
            opened = await self._opened(connection, [number] if row.kind == PointKind.VEHICLE else [])
            there = Known(opened.get(number) or RegisterAccount())
        mine = (energy_day.c.usage_point == number) & (energy_day.c.flow == int(Flow.DELIVERED))
        if mark is not None and isinstance(there.account, CarAccount):
            there.account.return_to(mark)
            booked.put_back(number, zone, mark.kept)
            mine &= energy_day.c.day >= mark.kept.day
        recent = await _recent(connection, number, zone)
        since = mark.state.at if mark else None
        async for page in _pages(connection, number, there.account.by_receipt, since):
            before = [(row["verdict"], row["booked_wh"]) for row in page]
            await asyncio.to_thread(_advance_marking, there, page, booked, number, zone, recent)
            await _correct(connection, page, before)
        if there.account.owns():
            await connection.execute(delete(energy_day).where(mine))
            await self._bulk.insert(connection, LEDGER, booked_days.rows(booked))
        await _remember(connection, {number: there})

    async def _mark(
        self,
        connection: AsyncConnection,
        known: Mapping[int, Known],
        told: Mapping[int, Sequence[Row]],
        zones: Mapping[int, str],
    ) -> None:
        """Set the marks that are due before these observations."""
        due = {n: known[n].account.mark_due(mine[0]["at"], zones[n]) for n, mine in told.items()}
        days = {n: day for n, day in due.items() if day is not None}
        if days:
            for n, kept in (await booked_days.kept(connection, self._bulk, days, zones)).items():
                known[n].account.mark(kept)

    async def rebuild_cars(self, connection: AsyncConnection, which: ColumnElement[bool]) -> None:
        """Recompute those vehicles (by columns of `usage_point`): their home or their options changed."""
        cars = select(usage_point.c.n).where(usage_point.c.kind == PointKind.VEHICLE.value, which)
        numbers = await connection.scalars(cars.order_by(usage_point.c.n).with_for_update())
        if not sabotaged("charge_new_home"):
            await self.rebuild(connection, list(numbers))

    async def _opened(self, connection: AsyncConnection, numbers: Sequence[int]) -> dict[int, CarAccount]:
        return await self._cars.opened(connection, numbers) if numbers else {}

    async def _known(
        self, connection: AsyncConnection, numbers: set[int], vehicles: Collection[int]
    ) -> dict[int, Known]:
        cars = await self._opened(connection, sorted(numbers.intersection(vehicles)))
        found: dict[int, Known] = {}
        for row in await many(connection).remembered(connection, sorted(numbers)):
            car = cars.get(row.usage_point)
            if car is not None:
                car.resume(row.payload, row.register)
            account = car or RegisterAccount.opened(row.payload, row.register)
            found[row.usage_point] = Known(account, dict(row.latest))
        new = {n: Known(cars.get(n) or RegisterAccount()) for n in numbers - found.keys()}
        return found | new


def _advance(there: Known, rows: Sequence[Row], booked: Booked, number: int, zone: str) -> None:
    """Judge observations in order, collect what they book, and remember."""
    carried = there.account.carried
    booked.book(number, zone, there.account.advance(rows), carried)
    for row in rows:
        learn(there.latest, row["at"], row["payload"], row["values"])


def _advance_marking(
    there: Known, page: Sequence[Row], booked: Booked, number: int, zone: str, recent: datetime | None
) -> None:
    """The same, with a mark before the first observation that is recent."""
    cut = next((i for i, row in enumerate(page) if recent is not None and row["at"] >= recent), len(page))
    old, new = page[:cut], page[cut:]
    _advance(there, old, booked, number, zone)
    if new and (day := there.account.mark_due(new[0]["at"], zone)) is not None:
        there.account.mark(booked.keep(number, day))
    _advance(there, new, booked, number, zone)


async def _recent(connection: AsyncConnection, number: int, zone: str) -> datetime | None:
    """The begin of the local day before that of the newest observation."""
    query = select(func.max(observation.c.at)).where(observation.c.usage_point == number)
    newest = await connection.scalar(query)
    return None if newest is None else localday.start(localday.today(newest, zone) - 1, zone)


def _by_point(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["usage_point"], []).append(row)
    return found


async def _remember(connection: AsyncConnection, known: Mapping[int, Known]) -> None:
    if known:
        rows = [Remembered(n, k.account.payload, k.account.dump(), k.latest) for n, k in known.items()]
        await many(connection).remember(connection, rows)


async def _pages(
    connection: AsyncConnection, number: int, by_receipt: bool, since: datetime | None = None
) -> AsyncIterator[list[Row]]:
    """All observations of a usage point (after an instant) in the order in which they are judged."""
    payload, at = observation.c.payload, observation.c.at
    first, second = (payload, at) if by_receipt else (at, payload)
    query = select(observation).where(observation.c.usage_point == number).order_by(first, second).limit(PAGE)
    query = query if since is None else query.where(at > since)
    after = query
    while page := [dict(row) for row in (await connection.execute(after)).mappings()]:
        yield page
        last = page[-1]
        same = and_(first == last[first.name], second > last[second.name])
        after = query.where(or_(first > last[first.name], same))


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
