"""Where energy is measured: the table of usage points, and who may write into them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import insert, select, update

from wattledger import localday
from wattledger.errors import NotFound, Refused
from wattledger.model import FIXED_ZONE, UsagePoint
from wattledger.store.database import Database
from wattledger.store.ids import new_id
from wattledger.store.people.audit import Audit
from wattledger.store.rows import UsagePointRow
from wattledger.store.tables import site as sites
from wattledger.store.tables import usage_point

LONGEST_NAME = 200

Rezone = Callable[[UsagePointRow, str], Awaitable[None]]
Reassigned = Callable[[UsagePointRow], Awaitable[None]]


class UsagePoints:
    """The table of usage points. `site` None means: any site (machines and operators)."""

    def __init__(self, database: Database, rezone: Rezone, reassigned: Reassigned) -> None:
        self._database = database
        self._audit = Audit(database)
        self._rezone = rezone
        self._reassigned = reassigned

    async def list(self, site: str | None = None) -> list[UsagePointRow]:
        """All usage points (of one site), oldest first."""
        query = select(usage_point).order_by(usage_point.c.n)
        if site is not None:
            query = query.where(usage_point.c.site == site)
        async with self._database.connect() as connection:
            return [row_of(row) for row in await connection.execute(query)]

    async def get(self, id: str, site: str | None = None) -> UsagePointRow:
        """One usage point. Raises NotFound, also for another site's."""
        query = select(usage_point).where(usage_point.c.id == id)
        if site is not None:
            query = query.where(usage_point.c.site == site)
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound("There is no such usage point.")
        return row_of(row)

    async def by_external(self, external_id: str, site: str | None = None) -> UsagePointRow:
        """The usage point with that ESIID (vehicle, device). Raises NotFound."""
        query = select(usage_point).where(usage_point.c.external_id == external_id)
        if site is not None:
            query = query.where(usage_point.c.site == site)
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound(f"There is no usage point {external_id}.")
        return row_of(row)

    async def rename(
        self, id: str, name: str, site: str | None = None, by: str = "operator"
    ) -> UsagePointRow:
        """Give it another name. Raises NotFound; Refused for an empty or too long one."""
        name = name.strip()
        if not name or len(name) > LONGEST_NAME:
            raise Refused(f"A name has 1 to {LONGEST_NAME} characters.", "BAD_NAME", "name", 422)
        point = await self.get(id, site)
        await self._change(point, by, name=name)
        return await self.get(id, site)

    async def choose(
        self, id: str, site: str, by: str = "operator", /, **choices: str | None
    ) -> UsagePointRow:
        """Keep what its owner chose; None takes a choice back. Raises NotFound."""
        point = await self.get(id, site)
        kept = {name: value for name, value in {**point.choices, **choices}.items() if value is not None}
        await self._change(point, by, choices=kept)
        return await self.get(id, site)

    async def set_timezone(
        self, id: str, timezone: str, site: str | None = None, by: str = "operator"
    ) -> UsagePointRow:
        """Let its days be those of another zone; they are recomputed from the archive.

        Raises NotFound; Refused for an unknown zone, or where the vendor's days are fixed.
        """
        localday.zone(timezone)
        point = await self.get(id, site)
        if FIXED_ZONE.items() <= point.details.items():
            sentence = f"The zone of {point.name} is fixed: its vendor's days are days in {point.timezone}."
            raise Refused(sentence, "FIXED_ZONE", "timezone", 422)
        if point.timezone != timezone:
            await self._rezone(point, timezone)
            await self._audit.record(
                None, by, "usage_point.rezoned", f"usage_point:{point.id}", {"timezone": timezone}, point.site
            )
        return await self.get(id, site)

    async def assign(
        self, external_id: str, site: str, by: str = "operator", new: tuple[str, UsagePoint] | None = None
    ) -> UsagePointRow:
        """Give a usage point to a site, and read anew what was uploaded of it: now by the new site's right.

        What the new site uploaded before is no longer refused, what another did is. Where this was cut
        short, assigning again completes it. `new` is what to make, of which connector, where it is unknown.
        Raises NotFound for either.
        """
        async with self._database.connect() as connection:
            known = await connection.scalar(select(sites.c.id).where(sites.c.id == site))
        if known is None:
            raise NotFound("There is no such site.")
        if new is not None:
            await self._make(*new, site)
        point = await self.by_external(external_id)
        await self._change(point, by, site=site)
        assigned = await self.get(point.id)
        await self._reassigned(assigned)
        return assigned

    async def _make(self, connector: str, new: UsagePoint, site: str) -> None:
        """A meter before its first reading."""
        values = {
            "id": new_id(),
            "site": site,
            "connector": connector,
            "kind": new.kind.value,
            "external_id": new.external_id,
            "name": new.name,
            "timezone": new.timezone,
            "details": dict(new.details),
            "created_at": self._database.clock.now(),
        }
        known = select(usage_point.c.n).where(usage_point.c.external_id == new.external_id)
        async with self._database.begin() as connection:
            if await connection.scalar(known) is None:
                await connection.execute(insert(usage_point).values(values))

    async def _change(self, point: UsagePointRow, by: str, **values: Any) -> None:
        """Change a usage point's name or site and say so; the site that loses it hears of it too."""
        subject = f"usage_point:{point.id}"
        async with self._database.begin() as connection:
            await connection.execute(update(usage_point).where(usage_point.c.id == point.id).values(**values))
            about = {"external_id": point.external_id, **values}
            for site in dict.fromkeys((point.site, values.get("site", point.site))):
                await self._audit.record(connection, by, "usage_point.changed", subject, about, site)

    async def _set(self, id: str, **values: Any) -> None:
        async with self._database.begin() as connection:
            await connection.execute(update(usage_point).where(usage_point.c.id == id).values(**values))


def row_of(row: Any) -> UsagePointRow:
    """A row of the table as our value."""
    return UsagePointRow(
        id=row.id,
        site=row.site,
        kind=row.kind,
        external_id=row.external_id,
        name=row.name,
        timezone=row.timezone,
        connector=row.connector,
        details=dict(row.details),
        created_at=row.created_at,
        n=row.n,
        choices=dict(row.choices),
    )
