"""Meters that a site asked an agreement for: the first data that a relay brings of one makes it the site's.

Only a meter that nobody holds can be claimed; where two sites wait for the same one, neither gets it by
itself and the operator decides. A claim that nothing followed is over after sixty days.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import Refused
from wattledger.faults import sabotaged
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.tables import meter_claim, usage_point
from wattledger.store.upsert import insert_or_update

LIFE = timedelta(days=60)
HELD = "This meter cannot be claimed here; if it is yours, ask the operator of this installation."


@dataclass(frozen=True, slots=True)
class MeterClaim:
    """A meter that a site waits for."""

    external_id: str
    site: str
    created_at: datetime


class MeterClaims:
    """The table of claims."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._audit = Audit(database)

    async def claim(self, external_id: str, site: str, person: str | None, by: str) -> None:
        """Let a site wait for a meter. Raises Refused for one that is known and not the site's."""
        now = self._database.clock.now()
        values = {"external_id": external_id, "site": site, "person": person, "created_at": now}
        async with self._database.begin() as connection:
            await _check(connection, external_id, site)
            await connection.execute(delete(meter_claim).where(meter_claim.c.created_at <= now - LIFE))
            await insert_or_update(connection, meter_claim, values)
            await self._audit.record(connection, by, "meter.claimed", f"meter:{external_id}", {}, site)

    async def check(self, external_id: str, site: str) -> None:
        """Raises Refused for a meter that is known and not the site's."""
        async with self._database.connect() as connection:
            await _check(connection, external_id, site)

    async def list(self, site: str | None) -> list[MeterClaim]:
        """What a site (every site) waits for, newest first."""
        query = select(meter_claim).order_by(meter_claim.c.created_at.desc())
        query = query.where(meter_claim.c.created_at > self._database.clock.now() - LIFE)
        if site is not None:
            query = query.where(meter_claim.c.site == site)
        async with self._database.connect() as connection:
            rows = await connection.execute(query)
            return [MeterClaim(row.external_id, row.site, row.created_at) for row in rows]


async def _check(connection: AsyncConnection, external_id: str, site: str) -> None:
    held = select(usage_point.c.site).where(usage_point.c.external_id == external_id)
    if await connection.scalar(held) not in (None, site) and not sabotaged("meter_claim"):
        raise Refused(HELD, "ESIID_HELD", "esiid", 409)


async def settled(
    connection: AsyncConnection, external_ids: Collection[str], now: datetime
) -> dict[str, str]:
    """The site of each of these new meters that exactly one site waits for; their claims are then over."""
    wanted = meter_claim.c.external_id.in_(external_ids)
    waiting: dict[str, list[str]] = {}
    for row in await connection.execute(
        select(meter_claim).where(wanted, meter_claim.c.created_at > now - LIFE)
    ):
        waiting.setdefault(row.external_id, []).append(row.site)
    if waiting:
        await connection.execute(delete(meter_claim).where(wanted))
    return {name: sites[0] for name, sites in waiting.items() if len(sites) == 1}
