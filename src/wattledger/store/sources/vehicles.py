"""Vehicles: which connection reaches a car, who brought it, which is the site's first, what its owner chose.

A vehicle is a usage point with a row beside it. It belongs to the site of its usage point for good:
another site's grant for the same car changes nothing here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import NotFound
from wattledger.faults import sabotaged
from wattledger.model import PointKind
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.people.sites import Rebuild
from wattledger.store.sources.vehicle_calls import VehicleCalls, month_of
from wattledger.store.tables import usage_point
from wattledger.store.tables import vehicle as table
from wattledger.store.together import Together
from wattledger.store.upsert import insert_or_update

ENERGY_OPTIONS = frozenset({"capacity_kwh", "efficiency"})
"""what an owner says of a car that its energy depends on"""


@dataclass(frozen=True, slots=True)
class VehicleRow:
    """One car. `id` is its usage point's; `calls` are the vendor calls of `month` (UTC), the current one."""

    id: str
    n: int
    site: str
    external_id: str
    name: str
    timezone: str
    details: Mapping[str, str]
    connection: str | None
    person: str | None
    active: bool
    primary: bool
    options: Mapping[str, Any]
    status: Mapping[str, Any]
    next_poll_at: datetime | None
    firm: bool
    calls: int
    month: str
    created_at: datetime


class Vehicles(VehicleCalls):
    """The table of vehicles; schedules and counted calls are in `VehicleCalls`."""

    def __init__(self, database: Database, rebuild: Rebuild | None = None) -> None:
        self._database = database
        self._audit = Audit(database)
        self._by_external = Together(self._of_these)
        self._rebuild = rebuild

    async def list(self, site: str | None, *, active_only: bool = False) -> list[VehicleRow]:
        """The vehicles of a site, of all with None: in use first, the primary before all, then oldest."""
        query = _all().where(_of(site), table.c.is_active == 1 if active_only else true())
        order = (table.c.is_active.desc(), table.c.is_primary.desc(), table.c.usage_point)
        async with self._database.connect() as connection:
            return [self._row(row) for row in await connection.execute(query.order_by(*order))]

    async def get(self, id: str, site: str | None) -> VehicleRow:
        """One vehicle. Raises NotFound, also for another site's."""
        row = await self._one(_all().where(usage_point.c.id == id, _of(site)))
        if row is None:
            raise NotFound("There is no such vehicle.")
        return row

    async def primary(self, site: str) -> VehicleRow | None:
        """The site's primary vehicle that is in use."""
        return await self._one(_all().where(_of(site), table.c.is_active == 1, table.c.is_primary == 1))

    async def by_external(self, external_id: str) -> VehicleRow | None:
        """The vehicle in use with a vendor's id; asked for at the same moment, several share a query."""
        return await self._by_external.find(external_id)

    async def _of_these(self, external_ids: Sequence[str]) -> dict[str, VehicleRow]:
        query = _all().where(usage_point.c.external_id.in_(external_ids), table.c.is_active == 1)
        async with self._database.connect() as connection:
            return {row.external_id: self._row(row) for row in await connection.execute(query)}

    async def of_connection(self, connection_id: str) -> Sequence[VehicleRow]:
        """The vehicles in use that a connection reaches."""
        query = _all().where(table.c.connection == connection_id, table.c.is_active == 1)
        async with self._database.connect() as connection:
            return [self._row(row) for row in await connection.execute(query.order_by(table.c.usage_point))]

    async def foreign(self, site: str, external_ids: Collection[str]) -> set[str]:
        """Those of a vendor's ids that belong to another site."""
        named = usage_point.c.external_id.in_(external_ids) & (usage_point.c.site != site)
        async with self._database.connect() as connection:
            return set(await connection.scalars(select(usage_point.c.external_id).where(named)))

    async def link(
        self,
        connection_id: str,
        site: str,
        person_id: str | None,
        external_ids: Sequence[str],
        by: str = "operator",
    ) -> Sequence[VehicleRow]:
        """Let a connection reach these vehicles, whose usage points exist, and no others any more.

        Another site's are left out. The first becomes the primary where the site has none in use.
        Calls counted and pauses set by the vendor stay; what was noted of a vehicle is forgotten.
        """

        async def work(connection: AsyncConnection) -> None:
            await self.link_all(connection, connection_id, site, person_id, external_ids, by)

        await self._database.transact(work)
        return await self.of_connection(connection_id)

    async def link_all(
        self,
        connection: AsyncConnection,
        connection_id: str,
        site: str,
        person_id: str | None,
        external_ids: Sequence[str],
        by: str,
    ) -> int:
        """The same within the caller's transaction. Returns how many vehicles it reaches."""
        numbers = await self._numbers(connection, site, external_ids)
        for n in numbers:
            await self._bind(connection, n, connection_id, person_id)
        left = (table.c.connection == connection_id) & table.c.usage_point.not_in(numbers)
        await self.release(connection, left)
        await self._ensure_primary(connection, site, numbers)
        details = {"vehicles": len(numbers)}
        subject = f"connection:{connection_id}"
        await self._audit.record(connection, by, "vehicles.linked", subject, details, site)
        return len(numbers)

    async def unlink(self, id: str, site: str, by: str = "operator") -> None:
        """Take one vehicle out of use; its history is kept. Raises NotFound."""
        row = await self.get(id, site)

        async def work(connection: AsyncConnection) -> None:
            await self.release(connection, table.c.usage_point == row.n)
            await self._ensure_primary(connection, site, ())
            await self._audit.record(connection, by, "vehicle.unlinked", f"vehicle:{id}", site=site)

        await self._database.transact(work)

    async def make_primary(self, id: str, site: str, by: str = "operator") -> VehicleRow:
        """Let the site's pages begin with this vehicle. Raises NotFound, also for one not in use."""
        row = await self.get(id, site)
        if not row.active:
            raise NotFound("There is no such vehicle in use.")

        async def work(connection: AsyncConnection) -> None:
            await self._choose(connection, site, row.n)
            await self._audit.record(connection, by, "vehicle.primary", f"vehicle:{id}", site=site)

        await self._database.transact(work)
        return await self.get(id, site)

    async def set_options(
        self, id: str, site: str, changes: Mapping[str, Any], by: str = "operator"
    ) -> VehicleRow:
        """Change what the owner chose; names not given stay. Raises NotFound.

        Where it concerns energy, what was charged is found anew.
        """
        row = await self.get(id, site)
        mine = table.c.usage_point == row.n

        async def work(connection: AsyncConnection) -> None:
            await self._numbers(connection, site, [row.external_id])
            old = await connection.scalar(select(table.c.options).where(mine).with_for_update())
            await self._set(connection, mine, options={**(old or {}), **changes})
            subject = f"vehicle:{id}"
            details = {"names": sorted(changes)}
            await self._audit.record(connection, by, "vehicle.options", subject, details, site)
            if self._rebuild is not None and ENERGY_OPTIONS & changes.keys():
                await self._rebuild(connection, usage_point.c.n == row.n)

        await self._database.transact(work)
        return await self.get(id, site)

    async def note(self, id: str, site: str, noted: Mapping[str, Any]) -> None:
        """Remember what a vendor told us of a vehicle unasked, and let it be asked soon. Raises NotFound."""
        row = await self.get(id, site)
        mine = table.c.usage_point == row.n

        async def work(connection: AsyncConnection) -> None:
            there = (await connection.execute(select(table).where(mine).with_for_update())).one()
            due = {} if there.is_firm else {"next_poll_at": None}
            await self._set(connection, mine, status={**(there.status or {}), **noted}, **due)

        await self._database.transact(work)

    async def release(self, connection: AsyncConnection, which: ColumnElement[bool]) -> None:
        """Take vehicles out of use within the caller's transaction."""
        nothing = {"connection": None, "is_active": 0, "is_primary": 0, "next_poll_at": None, "is_firm": 0}
        await self._set(connection, which, **nothing)

    async def release_some(
        self, connection: AsyncConnection, connection_id: str, site: str, numbers: Sequence[int] | None
    ) -> int:
        """Take these (None: all) of a connection's out of use within the caller's transaction.

        Returns how many it has left.
        """
        reached = table.c.connection == connection_id
        chosen = true() if numbers is None else table.c.usage_point.in_(numbers)
        await self.release(connection, reached & chosen)
        await self._ensure_primary(connection, site, ())
        return await connection.scalar(select(func.count()).select_from(table).where(reached)) or 0

    async def _numbers(
        self, connection: AsyncConnection, site: str, external_ids: Sequence[str]
    ) -> Sequence[int]:
        """Of the site's vehicles of these ids, in the given order; locked."""
        mine = true() if sabotaged("foreign_refused") else usage_point.c.site == site
        named = usage_point.c.external_id.in_(external_ids) & (usage_point.c.kind == PointKind.VEHICLE.value)
        query = select(usage_point.c.n, usage_point.c.external_id).where(named, mine)
        rows = await connection.execute(query.order_by(usage_point.c.n).with_for_update())
        found = {row.external_id: row.n for row in rows}
        return [found[name] for name in dict.fromkeys(external_ids) if name in found]

    async def _bind(
        self, connection: AsyncConnection, n: int, connection_id: str, person_id: str | None
    ) -> None:
        now = self._database.clock.now()
        bound: dict[str, Any] = {
            "connection": connection_id,
            "person": person_id,
            "is_active": 1,
            "status": {},
        }
        mine = table.c.usage_point == n
        there = (await connection.execute(select(table).where(mine).with_for_update())).one_or_none()
        if there is None:
            made = {"usage_point": n, **bound, "created_at": now, "updated_at": now}
            await insert_or_update(connection, table, made)
            return
        due = {} if there.is_firm else {"next_poll_at": None}
        await self._set(connection, mine, **bound, **due)

    async def _ensure_primary(self, connection: AsyncConnection, site: str, first: Sequence[int]) -> None:
        """One vehicle in use is the primary: of those given the first, else the oldest."""
        query = (
            select(table.c.usage_point, table.c.is_primary)
            .join(usage_point, usage_point.c.n == table.c.usage_point)
            .where(usage_point.c.site == site, table.c.is_active == 1)
            .order_by(table.c.usage_point)
        )
        rows = (await connection.execute(query)).all()
        if rows and not any(row.is_primary for row in rows):
            await self._choose(connection, site, first[0] if first else rows[0].usage_point)

    async def _choose(self, connection: AsyncConnection, site: str, n: int) -> None:
        ours = select(usage_point.c.n).where(usage_point.c.site == site)
        others = table.c.usage_point.in_(ours) & (table.c.usage_point != n) & (table.c.is_primary == 1)
        await self._set(connection, others, is_primary=0)
        await self._set(connection, table.c.usage_point == n, is_primary=1)

    async def _set(self, connection: AsyncConnection, which: ColumnElement[bool], /, **values: Any) -> None:
        now = self._database.clock.now()
        await connection.execute(update(table).where(which).values(**values, updated_at=now))

    async def _one(self, query: Select[Any]) -> VehicleRow | None:
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else self._row(row)

    def _row(self, row: Row[Any]) -> VehicleRow:
        month = month_of(self._database.clock.now())
        return VehicleRow(
            row.id, row.usage_point, row.site, row.external_id, row.name, row.timezone, dict(row.details),
            row.connection, row.person, bool(row.is_active), bool(row.is_primary), dict(row.options),
            dict(row.status), row.next_poll_at, bool(row.is_firm),
            row.calls if row.month == month else 0, month, row.created_at,
        )  # fmt: skip


_ABOUT = ("id", "site", "external_id", "name", "timezone", "details")


def _all() -> Select[Any]:
    about = (usage_point.c[name] for name in _ABOUT)
    return select(table, *about).join(usage_point, usage_point.c.n == table.c.usage_point)


def _of(site: str | None) -> ColumnElement[bool]:
    return true() if site is None else usage_point.c.site == site
