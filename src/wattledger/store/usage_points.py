"""Where energy is measured: the table of usage points, and who may write into them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import select, update

from wattledger import localday
from wattledger.errors import NotFound, Refused
from wattledger.model import FIXED_ZONE
from wattledger.store.database import Database
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

    async def rename(self, id: str, name: str, site: str | None = None) -> UsagePointRow:
        """Give it another name. Raises NotFound; Refused for an empty or too long one."""
        name = name.strip()
        if not name or len(name) > LONGEST_NAME:
            raise Refused(f"A name has 1 to {LONGEST_NAME} characters.", "BAD_NAME", "name", 422)
        await self.get(id, site)
        await self._set(id, name=name)
        return await self.get(id, site)

    async def choose(self, id: str, site: str, **choices: str | None) -> UsagePointRow:
        """Keep what its owner chose; None takes a choice back. Raises NotFound."""
        point = await self.get(id, site)
        kept = {name: value for name, value in {**point.choices, **choices}.items() if value is not None}
        await self._set(id, choices=kept)
        return await self.get(id, site)

    async def set_timezone(self, id: str, timezone: str, site: str | None = None) -> UsagePointRow:
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
        return await self.get(id, site)

    async def assign(self, external_id: str, site: str) -> UsagePointRow:
        """Give a usage point to a site, and read anew what was uploaded of it: now by the new site's right.

        What the new site uploaded before is no longer refused, what another did is. Where this was cut
        short, assigning again completes it. Raises NotFound for either.
        """
        point = await self.by_external(external_id)
        async with self._database.connect() as connection:
            known = await connection.scalar(select(sites.c.id).where(sites.c.id == site))
        if known is None:
            raise NotFound("There is no such site.")
        await self._set(point.id, site=site)
        assigned = await self.get(point.id)
        await self._reassigned(assigned)
        return assigned

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
