"""What alerts are judged from, read for all sites at once by a handful of queries."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select

from wattledger import localday
from wattledger.model import Flow, PointKind, Source
from wattledger.secrets import SecretUnreadable, Vault
from wattledger.store.archive.jobs import MOST_ATTEMPTS
from wattledger.store.database import Database
from wattledger.store.observed.observations import Said, latest_of
from wattledger.store.tables import (
    connection,
    energy_day,
    observation,
    payload,
    payload_point,
    point_state,
    usage_point,
)

MOST_FILES = 2000
BATCH = 500
UNREAD_FOR = timedelta(minutes=20)
"""in which a device's failed calls are counted"""
BY_HAND = Source.UPLOAD.value


@dataclass(frozen=True, slots=True)
class ConnectionSeen:
    """A connection with what its alerts need."""

    id: str
    site: str
    connector: str
    state: str
    made: datetime
    success: datetime | None
    error: str | None
    unheard: int
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class MeterSeen:
    """A meter, its newest local day with a reading, and whether anything but uploads brought any."""

    id: str
    n: int
    site: str
    name: str
    tz: str
    made: datetime
    newest: int | None
    fed: bool

    @property
    def end(self) -> datetime | None:
        """When its newest day ends; None without any."""
        return None if self.newest is None else localday.start(self.newest + 1, self.tz)


@dataclass(frozen=True, slots=True)
class UnitSeen:
    """An appliance that may be silent: what was said of it last, and its failed calls of late."""

    id: str
    n: int
    site: str
    name: str
    said: Mapping[str, Said]
    failed: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A rejected payload."""

    id: int
    site: str
    filename: str | None
    received: datetime
    reason: str | None
    attempts: int

    @property
    def poison(self) -> bool:
        """Whether reading it stopped its reader again and again."""
        return self.attempts >= MOST_ATTEMPTS


class Seen:
    """Reads only."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def connections(self, opened: str) -> Sequence[ConnectionSeen]:
        """Every connection; with their secrets those of the connector `opened`, where a key is there."""
        names = ("id", "site", "connector", "state", "created_at", "last_success", "last_error")
        about = [connection.c[name] for name in names]
        rows = await self._all(select(*about, connection.c.listen_failures, connection.c.secrets))
        return [
            ConnectionSeen(
                row.id, row.site, row.connector, row.state, row.created_at, row.last_success, row.last_error,
                row.listen_failures or 0, self._open(row) if row.connector == opened else {},
            )
            for row in rows
        ]  # fmt: skip

    def _open(self, row: Any) -> Mapping[str, str]:
        if row.secrets is None:
            return {}
        try:
            opened = self._vault.open(row.secrets, table="connection", row=row.id, column="secrets")
        except SecretUnreadable:
            return {}
        found: Mapping[str, str] = json.loads(opened)
        return found

    async def meters(self) -> Sequence[MeterSeen]:
        """Every meter."""
        newest = (
            select(func.max(energy_day.c.day))
            .where(energy_day.c.usage_point == usage_point.c.n, energy_day.c.flow == int(Flow.DELIVERED))
            .scalar_subquery()
        )
        fed = exists().where(
            payload_point.c.usage_point == usage_point.c.n,
            payload.c.id == payload_point.c.payload,
            payload.c.source != BY_HAND,
        )
        about = (usage_point.c[name] for name in ("id", "n", "site", "name", "timezone", "created_at"))
        query = select(*about, newest.label("newest"), fed.label("fed"))
        rows = await self._all(query.where(usage_point.c.kind == PointKind.METER.value))
        return [
            MeterSeen(r.id, r.n, r.site, r.name, r.timezone, r.created_at, r.newest, bool(r.fed))
            for r in rows
        ]

    async def units(self, now: datetime) -> Sequence[UnitSeen]:
        """Appliances that were called offline, or whose newest call failed a moment ago."""
        said, since = point_state.c.latest, now - UNREAD_FOR
        doubtful = or_(
            said["health", 0].as_string() == "OFFLINE",
            said["fetch_message", 1].as_string() >= since.isoformat(),
        )
        about = (usage_point.c[name] for name in ("id", "n", "site", "name"))
        query = select(*about, said.label("latest")).join_from(point_state, usage_point)
        rows = await self._all(query.where(usage_point.c.kind == PointKind.APPLIANCE.value, doubtful))
        failed = await self._failed([row.n for row in rows], since)
        return [
            UnitSeen(row.id, row.n, row.site, row.name, latest_of(row.latest), failed.get(row.n, ()))
            for row in rows
        ]

    async def _failed(self, numbers: Sequence[int], since: datetime) -> dict[int, list[datetime]]:
        """By usage point: the instants of failed calls since then."""
        failed: dict[int, list[datetime]] = {}
        for at in range(0, len(numbers), BATCH):
            mine = observation.c.usage_point.in_(numbers[at : at + BATCH]) & (observation.c.at >= since)
            query = select(observation.c.usage_point, observation.c.at, observation.c["values"])
            for row in await self._all(query.where(mine).order_by(observation.c.at)):
                if "fetch_message" in row[2]:
                    failed.setdefault(row.usage_point, []).append(row.at)
        return failed

    async def with_parts(self) -> set[str]:
        """Sites that have anything besides their meters, or more than one of these."""
        kinds = usage_point.c.kind != PointKind.METER.value
        many = select(usage_point.c.site).group_by(usage_point.c.site).having(func.count() > 1)
        found = {row.site for row in await self._all(select(usage_point.c.site).where(kinds).distinct())}
        return found | {row.site for row in await self._all(many)}

    async def found(self, windows: Mapping[int, int], days: int) -> dict[int, dict[int, int]]:
        """Readings by day of meters (by number), in the `days` days before each one's newest day."""
        counted: dict[int, dict[int, int]] = {n: {} for n in windows}
        numbers = sorted(windows)
        for first in range(0, len(numbers), BATCH):
            await self._count(numbers[first : first + BATCH], windows, days, counted)
        return counted

    async def _count(
        self,
        numbers: Collection[int],
        windows: Mapping[int, int],
        days: int,
        counted: dict[int, dict[int, int]],
    ) -> None:
        since = min(windows[n] for n in numbers) - days
        query = select(energy_day.c.usage_point, energy_day.c.day, energy_day.c.found).where(
            energy_day.c.usage_point.in_(numbers),
            energy_day.c.flow == int(Flow.DELIVERED),
            energy_day.c.day >= since,
        )
        for row in await self._all(query):
            counted[row.usage_point][row.day] = row.found

    async def first_days(self, numbers: Collection[int]) -> dict[int, int]:
        """The first local day with a reading, by meter."""
        first: dict[int, int] = {}
        ordered = sorted(numbers)
        for at in range(0, len(ordered), BATCH):
            some = ordered[at : at + BATCH]
            day = (
                select(func.min(energy_day.c.day))
                .where(energy_day.c.usage_point == usage_point.c.n, energy_day.c.flow == int(Flow.DELIVERED))
                .scalar_subquery()
            )
            rows = await self._all(select(usage_point.c.n, day.label("day")).where(usage_point.c.n.in_(some)))
            first.update({row.n: row.day for row in rows if row.day is not None})
        return first

    async def files(self, since: datetime) -> Sequence[FileSeen]:
        """Rejected payloads received since then, the newest first."""
        names = ("id", "site", "filename", "received_at", "reason", "attempts")
        query = (
            select(*(payload.c[name] for name in names))
            .where(payload.c.state == "rejected", payload.c.received_at >= since)
            .order_by(payload.c.id.desc())
            .limit(MOST_FILES)
        )
        return [FileSeen(*row) for row in await self._all(query)]

    async def _all(self, query: Any) -> Sequence[Any]:
        async with self._database.connect() as found:
            return list(await found.execute(query))
