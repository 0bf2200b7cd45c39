"""What the ledger holds of usage points altogether: a register that stands at the sum of all days."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from wattledger.model import Flow
from wattledger.store.database import Database
from wattledger.store.tables import energy_day

BATCH = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """Wh of all days of one flow, and the newest local day with a reading."""

    wh: int
    newest: int


async def standings(database: Database, numbers: Collection[int]) -> dict[tuple[int, Flow], Standing]:
    """By usage point (`n`) and flow; nothing of those without a reading."""
    found: dict[tuple[int, Flow], Standing] = {}
    ordered, day = sorted(numbers), energy_day.c
    async with database.connect() as connection:
        for at in range(0, len(ordered), BATCH):
            query = (
                select(day.usage_point, day.flow, func.sum(day.total_wh), func.max(day.day))
                .where(day.usage_point.in_(ordered[at : at + BATCH]))
                .group_by(day.usage_point, day.flow)
            )
            for n, flow, wh, newest in await connection.execute(query):
                found[n, Flow(flow)] = Standing(int(wh), newest)
    return found
