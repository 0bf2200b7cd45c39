"""What devices said at one moment: narrow rows; an identical repeat is not stored twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.model import Observation
from wattledger.store.database import Database
from wattledger.store.points_of import Resolved
from wattledger.store.rows import UsagePointRow
from wattledger.store.tables import observation


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One stored observation."""

    at: datetime
    values: dict[str, Any]
    payload: int


class Observations:
    """The table of observations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self, point: UsagePointRow, start: datetime, end: datetime, limit: int = 10_000
    ) -> list[ObservationRow]:
        """Observations of [start, end), oldest first."""
        query = (
            select(observation)
            .where(observation.c.usage_point == point.n, observation.c.at >= start, observation.c.at < end)
            .order_by(observation.c.at, observation.c.payload)
            .limit(limit)
        )
        async with self._database.connect() as connection:
            rows = await connection.execute(query)
            return [ObservationRow(r["at"], dict(r["values"]), r["payload"]) for r in rows.mappings()]


async def keep(
    connection: AsyncConnection,
    payload: int,
    resolved: Resolved,
    said: Sequence[Observation],
    forbidden: frozenset[str],
    without: frozenset[int] = frozenset(),
) -> None:
    """Store what is new of a payload's observations; those of payloads in `without` count as absent."""
    rows = {}
    for item in said:
        point = resolved.rows[item.point]
        if point.external_id not in forbidden:
            rows[(point.n, item.at)] = dict(item.values)
    if not rows:
        return
    known = await _known(connection, {n for n, _ in rows}, [at for _, at in rows], without)
    new = [
        {"usage_point": n, "at": at, "payload": payload, "values": values}
        for (n, at), values in rows.items()
        if values not in known.get((n, at), ())
    ]
    if new:
        await connection.execute(insert(observation), new)


async def _known(
    connection: AsyncConnection, points: set[int], times: Sequence[datetime], without: frozenset[int]
) -> dict[tuple[int, datetime], list[dict[str, Any]]]:
    query = select(observation).where(
        observation.c.usage_point.in_(points),
        observation.c.at.between(min(times), max(times)),
        observation.c.payload.not_in(without),
    )
    found: dict[tuple[int, datetime], list[dict[str, Any]]] = {}
    for row in (await connection.execute(query)).mappings():
        found.setdefault((row["usage_point"], row["at"]), []).append(row["values"])
    return found
