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
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.faults import sabotaged
from wattledger.model import Flow, PointKind
from wattledger.secrets import Vault
from wattledger.store.ledger.bulk import LEDGER, Bulk
from wattledger.store.observed import booked_days
from wattledger.store.observed.booked_days import Booked, Entry
from wattledger.store.observed.cars import CarAccount, Cars
from wattledger.store.observed.many import Remembered, Row, many
from wattledger.store.observed.register_state import Latest, learn
from wattledger.store.observed.registers import RegisterAccount
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
        booked, again = Booked(), set()
        for number, mine in _by_point(rows).items():
            if known[number].account.late(mine):
                again.add(number)
            else:
                _advance(known[number], mine, booked, number, zones[number])
        await many(connection).insert(connection, LEDGER.observation, rows)
        await booked_days.add(connection, self._bulk, booked)
        await _remember(connection, {n: k for n, k in known.items() if n not in again})
        await self.rebuild(connection, again)

    async def rebuild(self, connection: AsyncConnection, numbers: Iterable[int]) -> None:
        """Recompute the verdicts and the energy of these usage points from all their observations."""
        for number in sorted(numbers):
            row = (await connection.execute(select(usage_point).where(usage_point.c.n == number))).one()
            opened = await self._opened(connection, [number] if row.kind == PointKind.VEHICLE else [])
            there, booked = Known(opened.get(number) or RegisterAccount()), Booked()
            async for page in _pages(connection, number, there.account.by_receipt):
                before = [(row["verdict"], row["booked_wh"]) for row in page]
                await asyncio.to_thread(_advance, there, page, booked, number, str(row.timezone))
                await _correct(connection, page, before)
            mine = (energy_day.c.usage_point == number) & (energy_day.c.flow == int(Flow.DELIVERED))
            if there.account.owns():
                await connection.execute(delete(energy_day).where(mine))
                await self._bulk.insert(connection, LEDGER, booked_days.rows(booked))
            await _remember(connection, {number: there})

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
        found = {n: Known(cars.get(n) or RegisterAccount()) for n in numbers}
        for row in await many(connection).remembered(connection, sorted(numbers)):
            car = cars.get(row.usage_point)
            if car is not None:
                car.resume(row.payload, row.register)
            account = car or RegisterAccount.opened(row.payload, row.register)
            found[row.usage_point] = Known(account, dict(row.latest))
        return found


def _advance(there: Known, rows: Sequence[Row], booked: Booked, number: int, zone: str) -> None:
    """Judge observations in order, collect what they book, and remember."""
    carried = there.account.carried
    booked.book(number, zone, there.account.advance(rows), carried)
    for row in rows:
        learn(there.latest, row["at"], row["payload"], row["values"])


def _by_point(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["usage_point"], []).append(row)
    return found


async def _remember(connection: AsyncConnection, known: Mapping[int, Known]) -> None:
    if known:
        rows = [Remembered(n, k.account.payload, k.account.dump(), k.latest) for n, k in known.items()]
        await many(connection).remember(connection, rows)


async def _pages(connection: AsyncConnection, number: int, by_receipt: bool) -> AsyncIterator[list[Row]]:
    """All observations of a usage point in the order in which they are judged."""
    payload, at = observation.c.payload, observation.c.at
    first, second = (payload, at) if by_receipt else (at, payload)
    query = select(observation).where(observation.c.usage_point == number).order_by(first, second).limit(PAGE)
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
