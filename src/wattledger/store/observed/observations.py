"""What devices said at one moment: narrow rows; an identical repeat is not stored twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger import localday
from wattledger.model import Observation
from wattledger.store.archive.points_of import Resolved
from wattledger.store.database import Database
from wattledger.store.observed.many import many
from wattledger.store.rows import UsagePointRow
from wattledger.store.tables import observation, payload, point_state

_CHUNK = 400


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One stored observation; `verdict` and `booked_wh` (decimal text) where it reports a register."""

    at: datetime
    values: dict[str, Any]
    payload: int
    verdict: str | None = None
    booked_wh: str | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The newest value of one name."""

    value: Any
    at: datetime


class Observations:
    """The table of observations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self,
        point: UsagePointRow,
        start: datetime,
        end: datetime,
        limit: int = 10_000,
        *,
        newest: bool = False,
    ) -> list[ObservationRow]:
        """Observations of [start, end), oldest first; with `newest` the other way round."""
        order = (observation.c.at, observation.c.payload)
        query = (
            select(observation, payload.c.received_at)
            .join(payload, payload.c.id == observation.c.payload)
            .where(observation.c.usage_point == point.n, observation.c.at >= start, observation.c.at < end)
            .order_by(*(column.desc() for column in order) if newest else order)
            .limit(limit)
        )
        async with self._database.connect() as connection:
            rows = await connection.execute(query)
            return [_row(r) for r in rows.mappings()]

    async def newest(self, points: Sequence[UsagePointRow], before: datetime) -> datetime | None:
        """The instant of the newest observation of these usage points before another instant."""
        found: list[datetime] = []
        async with self._database.connect() as connection:
            for point in points:
                mine = (observation.c.usage_point == point.n) & (observation.c.at < before)
                query = select(func.max(observation.c.at)).where(mine)
                found += filter(None, [await connection.scalar(query)])
        return max(found, default=None)

    async def latest(self, points: Sequence[UsagePointRow]) -> dict[int, dict[str, Said]]:
        """By usage point (`n`) and name: the newest value that was said."""
        numbers, found = [point.n for point in points], {}
        async with self._database.connect() as connection:
            for start in range(0, len(numbers), _CHUNK):
                mine = point_state.c.usage_point.in_(numbers[start : start + _CHUNK])
                for row in await connection.execute(select(point_state).where(mine)):
                    found[row.usage_point] = {
                        name: Said(value, datetime.fromisoformat(at))
                        for name, (value, at, _) in row.latest.items()
                    }
        return found


def _row(row: RowMapping) -> ObservationRow:
    return ObservationRow(
        row["at"], dict(row["values"]), row["payload"], row["verdict"], row["booked_wh"], row["received_at"]
    )


@dataclass(frozen=True, slots=True)
class News:
    """What a payload adds to a table of observations; nothing is written here."""

    table: str
    payload: int
    resolved: Resolved
    forbidden: frozenset[str]
    zones: Mapping[int, str]
    only: frozenset[int] | None = None
    """the usage points (by `n`) that are wanted, None for all"""

    async def rows(self, connection: AsyncConnection, said: Sequence[Observation]) -> list[dict[str, Any]]:
        """In the order of their instants, without what an earlier payload said of the same instant."""
        found: dict[tuple[int, datetime], dict[str, Any]] = {}
        for item in said:
            point = self.resolved.rows[item.point]
            if self._wanted(point):
                found.setdefault((point.n, item.at), {}).update(item.values)
        known = await many(connection).said(connection, self.table, self.payload, list(found))
        return [
            self._row(n, at, values)
            for (n, at), values in sorted(found.items(), key=lambda one: one[0])
            if not _repeats(values, known.get((n, at), ()))
        ]

    def _wanted(self, point: UsagePointRow) -> bool:
        return point.external_id not in self.forbidden and (self.only is None or point.n in self.only)

    def _row(self, n: int, at: datetime, values: dict[str, Any]) -> dict[str, Any]:
        day = localday.today(at, self.zones[n])
        return {"usage_point": n, "at": at, "payload": self.payload, "values": values, "day": day}


def _repeats(values: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> bool:
    missing = object()
    return bool(known) and all(
        any(row.get(name, missing) == value for row in known) for name, value in values.items()
    )
