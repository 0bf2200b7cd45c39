"""How far what is stored of a vendor reaches: where its next fetch begins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from wattledger import localday
from wattledger.store.database import Database
from wattledger.store.tables import energy_day, observation, usage_point


async def newest(database: Database, site: str, connector: str) -> datetime | None:
    """The newest observation of a vendor at a site, or the start of its newest day with energy."""
    mine = (usage_point.c.site == site) & (usage_point.c.connector == connector)
    days = (
        select(usage_point.c.timezone, func.max(energy_day.c.day).label("day"))
        .join(energy_day, energy_day.c.usage_point == usage_point.c.n)
        .where(mine)
        .group_by(usage_point.c.timezone)
    )
    seen = (
        select(func.max(observation.c.at))
        .join(usage_point, observation.c.usage_point == usage_point.c.n)
        .where(mine)
    )
    async with database.connect() as connection:
        found = [localday.start(row.day, row.timezone) for row in await connection.execute(days)]
        last = await connection.scalar(seen)
    return max([*found, *filter(None, [last])], default=None)
