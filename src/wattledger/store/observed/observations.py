"""What devices said at one moment: narrow rows; an identical repeat is not stored twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger import localday
from wattledger.model import Observation
from wattledger.secrets import SecretUnreadable, Vault
from wattledger.store.archive.points_of import Resolved
from wattledger.store.database import Database
from wattledger.store.observed.earlier import said_before
from wattledger.store.observed.many import many
from wattledger.store.observed.rows import Key, Told
from wattledger.store.observed.sealing import Private
from wattledger.store.rows import UsagePointRow
from wattledger.store.tables import observation, payload, point_state

_CHUNK = 400
Found = dict[Key, tuple[dict[str, Any], dict[str, float]]]


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One stored observation; `verdict` and `booked_wh` (decimal text) where it reports a register."""

    at: datetime
    values: dict[str, Any]
    payload: int
    verdict: str | None = None
    booked_wh: str | None = None
    received_at: datetime | None = None
    sealed: str | None = None
    """private values as they are kept; `Observations.open` opens them"""
    n: int = 0


class Numbered(Protocol):
    """A usage point, or what carries its number."""

    @property
    def n(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Position:
    """Where something was, in degrees north and east."""

    latitude: float
    longitude: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """The newest value of one name."""

    value: Any
    at: datetime


class Observations:
    """The table of observations."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._private = Private(vault)

    def open(self, row: ObservationRow) -> Mapping[str, float]:
        """The private values of an observation (`latitude`, `longitude`). Raises SecretUnreadable."""
        return self._private.open(row.n, row.at, row.payload, row.sealed)

    async def position(self, point: Numbered) -> Position | None:
        """Where a usage point was seen last. Raises SecretUnreadable."""
        mine = (observation.c.usage_point == point.n) & observation.c.sealed.is_not(None)
        newest = (observation.c.at.desc(), observation.c.payload.desc())
        async with self._database.connect() as connection:
            query = select(observation).where(mine).order_by(*newest).limit(1)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        opened = self._private.open(point.n, row.at, row.payload, row.sealed)
        if not {"latitude", "longitude"} <= opened.keys():
            return None
        return Position(opened["latitude"], opened["longitude"], row.at)

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

    async def before(self, point: UsagePointRow, when: datetime, names: Iterable[str]) -> Mapping[str, Said]:
        """By name: the newest value that was said before an instant."""
        async with self._database.connect() as connection:
            found = await said_before(connection, point.n, when, names)
        return {name: Said(value, at) for name, (value, at) in found.items()}

    async def latest(self, points: Sequence[UsagePointRow]) -> dict[int, dict[str, Said]]:
        """By usage point (`n`) and name: the newest value that was said."""
        numbers, found = [point.n for point in points], {}
        async with self._database.connect() as connection:
            for start in range(0, len(numbers), _CHUNK):
                mine = point_state.c.usage_point.in_(numbers[start : start + _CHUNK])
                for row in await connection.execute(select(point_state).where(mine)):
                    found[row.usage_point] = latest_of(row.latest)
        return found


def latest_of(kept: Mapping[str, Any]) -> dict[str, Said]:
    """By name: the newest value that was said, from a `point_state.latest`."""
    return {name: Said(value, datetime.fromisoformat(at)) for name, (value, at, _) in kept.items()}


def _row(row: RowMapping) -> ObservationRow:
    return ObservationRow(
        row["at"], dict(row["values"]), row["payload"], row["verdict"], row["booked_wh"], row["received_at"],
        row["sealed"], row["usage_point"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class News:
    """What a payload adds to a table of observations; nothing is written here."""

    table: str
    payload: int
    resolved: Resolved
    forbidden: frozenset[str]
    zones: Mapping[int, str]
    vault: Vault
    only: frozenset[int] | None = None
    """the usage points (by `n`) that are wanted, None for all"""

    async def rows(self, connection: AsyncConnection, said: Sequence[Observation]) -> list[dict[str, Any]]:
        """In the order of their instants, without what an earlier payload said of the same instant."""
        found = self.found(said)
        known = await many(connection).said(connection, self.table, self.payload, list(found))
        return self.fresh(found, known)

    def found(self, said: Sequence[Observation]) -> Found:
        """By usage point and instant: the values, and the private ones."""
        found: Found = {}
        for item in said:
            point = self.resolved.rows[item.point]
            if self._wanted(point):
                values, private = found.setdefault((point.n, item.at), ({}, {}))
                values.update(item.values)
                private.update(item.private)
        return found

    def fresh(self, found: Found, known: Mapping[Key, Sequence[Told]]) -> list[dict[str, Any]]:
        """Rows in the order of their instants, without those that repeat what is known."""
        opener = Private(self.vault)
        return [
            self._row(opener, n, at, values, private)
            for (n, at), (values, private) in sorted(found.items(), key=lambda one: one[0])
            if not _repeats(
                {**values, **private}, [_opened(opener, n, at, t) for t in known.get((n, at), ())]
            )
        ]

    def _wanted(self, point: UsagePointRow) -> bool:
        return point.external_id not in self.forbidden and (self.only is None or point.n in self.only)

    def _row(
        self, opener: Private, n: int, at: datetime, values: dict[str, Any], private: dict[str, float]
    ) -> dict[str, Any]:
        return {
            "usage_point": n,
            "at": at,
            "payload": self.payload,
            "values": values,
            "day": localday.today(at, self.zones[n]),
            "sealed": opener.seal(n, at, self.payload, private),
        }


def _opened(opener: Private, n: int, at: datetime, told: Told) -> Mapping[str, Any]:
    """All that was told; private values that cannot be opened compare with nothing."""
    if told.sealed is None:
        return told.values
    try:
        return {**told.values, **opener.open(n, at, told.payload, told.sealed)}
    except SecretUnreadable:
        return told.values


def _repeats(values: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> bool:
    missing = object()
    return bool(known) and all(
        any(row.get(name, missing) == value for row in known) for name, value in values.items()
    )
