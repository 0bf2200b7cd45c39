"""Sites: places with a timezone. One exists from the start; a small installation never needs another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger import localday
from wattledger.errors import NotFound, Refused
from wattledger.store.database import Database
from wattledger.store.tables import site
from wattledger.store.upsert import insert_new

DEFAULT_SITE = "00000000000000000000000000000001"
DEFAULT_NAME = "Home"
DEFAULT_ZONE = "America/Chicago"
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A place; `timezone` is an IANA name."""

    id: str
    name: str
    timezone: str
    created_at: datetime


class Sites:
    """The table of sites."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def default(self) -> SiteRow:
        """The site that every installation has; made when it is first asked for."""
        try:
            return await self.get(DEFAULT_SITE)
        except NotFound:
            await self._database.transact(self.ensure_default)
            return await self.get(DEFAULT_SITE)

    async def ensure_default(self, connection: AsyncConnection) -> str:
        """Make the default site within a transaction where it is missing. Returns its id."""
        values = {"id": DEFAULT_SITE, "name": DEFAULT_NAME, "timezone": DEFAULT_ZONE}
        await insert_new(connection, site, {**values, "created_at": self._database.clock.now()})
        return DEFAULT_SITE

    async def list(self) -> list[SiteRow]:
        """All sites, oldest first."""
        async with self._database.connect() as connection:
            rows = await connection.execute(select(site).order_by(site.c.created_at, site.c.id))
            return [_row(row) for row in rows]

    async def get(self, id: str) -> SiteRow:
        """One site. Raises NotFound."""
        async with self._database.connect() as connection:
            row = (await connection.execute(select(site).where(site.c.id == id))).one_or_none()
        if row is None:
            raise NotFound("There is no such site.")
        return _row(row)

    async def update(self, id: str, *, name: str | None = None, timezone: str | None = None) -> SiteRow:
        """Rename a site or move it to another zone. Raises NotFound; Refused for a bad name or zone."""
        changes = {}
        if name is not None:
            changes["name"] = _name(name)
        if timezone is not None:
            changes["timezone"] = localday.zone(timezone).key
        if changes:
            async with self._database.begin() as connection:
                await connection.execute(update(site).where(site.c.id == id).values(changes))
        return await self.get(id)


def _row(row: Row[Any]) -> SiteRow:
    return SiteRow(row.id, row.name, row.timezone, row.created_at)


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise Refused(f"A name has 1 to {LONGEST_NAME} printable characters.", "BAD_NAME", "name", 422)
    return name
