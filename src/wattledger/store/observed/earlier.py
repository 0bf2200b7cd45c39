"""What was said last before an instant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.store.tables import observation


async def said_before(
    connection: AsyncConnection, point: int, when: datetime, names: Iterable[str]
) -> dict[str, tuple[Any, datetime]]:
    """By name: the newest value of a usage point (its number) before an instant, and when it was said."""
    found = {}
    values = observation.c["values"]
    mine = (observation.c.usage_point == point) & (observation.c.at < when)
    for name in names:
        query = select(values, observation.c.at).where(mine, values[name].as_string().is_not(None))
        row = (await connection.execute(query.order_by(observation.c.at.desc()).limit(1))).one_or_none()
        if row is not None:
            found[name] = (row[0][name], row[1])
    return found
