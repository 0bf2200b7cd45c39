"""Schedules and counted vendor calls of vehicles, written by whoever holds their connection's lease.

A call is counted before it is made, in a transaction of its own: a process that dies in between has
counted one too many, never one too few.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import NotFound, TryLater
from wattledger.faults import sabotaged
from wattledger.store.database import Database
from wattledger.store.lease import believed
from wattledger.store.tables import connection as connections
from wattledger.store.tables import point_state, usage_point
from wattledger.store.tables import vehicle as table


def month_of(when: datetime) -> str:
    """The calendar month (UTC) by which calls are counted: `2026-11`."""
    return when.astimezone(UTC).strftime("%Y-%m")


@dataclass(frozen=True, slots=True)
class KnownVehicle:
    """What is stored of a vehicle that is in use."""

    external_id: str
    options: Mapping[str, Any]
    status: Mapping[str, Any]
    due: datetime | None
    firm: bool
    calls: int
    latest: Mapping[str, tuple[Any, datetime]]


class VehicleCalls:
    """Part of Vehicles."""

    _database: Database

    async def known(self, connection_id: str) -> Sequence[KnownVehicle]:
        """The vehicles in use of a connection, in the order in which they came."""
        query = (
            select(table, usage_point.c.external_id, point_state.c.latest)
            .join(usage_point, usage_point.c.n == table.c.usage_point)
            .outerjoin(point_state, point_state.c.usage_point == table.c.usage_point)
            .where(table.c.connection == connection_id, table.c.is_active == 1)
            .order_by(table.c.usage_point)
        )
        now = self._database.clock.now()
        month = month_of(now)
        async with self._database.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [
            KnownVehicle(
                row.external_id,
                dict(row.options),
                dict(row.status),
                believed(row.next_poll_at, row.updated_at, now),
                bool(row.is_firm),
                row.calls if row.month == month else 0,
                _latest(row.latest),
            )
            for row in rows
        ]

    async def spend(self, connection_id: str, lease: str, external_id: str, calls: int) -> int:
        """Count calls, committed; answers the month's sum with them.

        Raises TryLater where the lease is lost, NotFound for no vehicle in use of this connection.
        """
        month = month_of(self._database.clock.now())
        spent = case((table.c.month == month, table.c.calls), else_=0) + calls
        change = (
            update(table)
            .where(_mine(connection_id, external_id))
            .values(calls=spent, month=month)
            .returning(table.c.calls)
        )

        async def work(connection: AsyncConnection) -> int | None:
            if not await _held(connection, connection_id, lease):
                raise TryLater("Another process has taken this connection over; it goes on there.")
            if sabotaged("spend_first"):
                return 0
            total: int | None = await connection.scalar(change)
            return total

        total = await self._database.transact(work)
        if total is None:
            raise NotFound(f"The vehicle {external_id} is not in use with this connection.")
        return total

    async def schedule(
        self,
        connection_id: str,
        lease: str,
        external_id: str,
        at: datetime,
        *,
        firm: bool = False,
        status: Mapping[str, Any] | None = None,
    ) -> bool:
        """Keep when a vehicle is asked again, and what was noted of it. False where the lease is lost."""
        noted = {} if status is None else {"status": dict(status)}
        values = {"next_poll_at": at, "is_firm": int(firm), **noted, "updated_at": self._database.clock.now()}
        change = update(table).where(_mine(connection_id, external_id)).values(values)

        async def work(connection: AsyncConnection) -> bool:
            if not await _held(connection, connection_id, lease):
                return False
            await connection.execute(change)
            return True

        return await self._database.transact(work)


async def _held(connection: AsyncConnection, id: str, lease: str) -> bool:
    fence = true() if sabotaged("lease_fence") else connections.c.lease == lease
    query = select(connections.c.id).where(and_(connections.c.id == id, fence)).with_for_update()
    return await connection.scalar(query) is not None


def _mine(connection_id: str, external_id: str) -> ColumnElement[bool]:
    number = select(usage_point.c.n).where(usage_point.c.external_id == external_id).scalar_subquery()
    return and_(table.c.usage_point == number, table.c.connection == connection_id, table.c.is_active == 1)


def _latest(stored: Mapping[str, Any] | None) -> dict[str, tuple[Any, datetime]]:
    return {name: (value, datetime.fromisoformat(at)) for name, (value, at, _) in (stored or {}).items()}


async def in_use(connection: AsyncConnection, external_ids: Collection[str]) -> set[str]:
    """Those of a vendor's ids that are vehicles in use."""
    query = select(usage_point.c.external_id).join(table, usage_point.c.n == table.c.usage_point)
    used = query.where(usage_point.c.external_id.in_(external_ids), table.c.is_active == 1)
    return set(await connection.scalars(used))
