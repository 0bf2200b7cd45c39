"""Many small payloads that tell observations, read in one transaction: what vendors push comes that way.

What is written is what reading them one after the other writes. Payloads with interval energy, and all of a
batch in which something goes wrong, are left to the reader of single ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.faults import fault
from wattledger.model import Parsed, PointKind, Rejected
from wattledger.store.archive import points_of
from wattledger.store.archive.jobs import Archive, Job, Outcome
from wattledger.store.archive.points_of import Resolved
from wattledger.store.archive.prepare import not_held
from wattledger.store.archive.reader import Read, Reader, owner_of
from wattledger.store.database import Database
from wattledger.store.ledger.bulk import LEDGER
from wattledger.store.observed.many import many
from wattledger.store.observed.observations import Found, News
from wattledger.store.observed.rows import Key, Row, Told
from wattledger.store.rows import Summary
from wattledger.threads import SHORT


@dataclass(slots=True)
class Small:
    """A payload of a batch on its way into the ledger."""

    job: Job
    read: Read
    resolved: Resolved | None = None
    forbidden: frozenset[str] = frozenset()
    news: News | None = None
    found: Found = field(default_factory=dict)


class Batches:
    """See the module."""

    def __init__(self, database: Database, archive: Archive, reader: Reader) -> None:
        self._database = database
        self._archive = archive
        self._reader = reader

    async def read(self, jobs: Sequence[Job]) -> list[Job]:
        """Read these payloads, claimed under one lease. Returns those that are to be read singly.

        Raises what the database raises; then nothing was written.
        """
        brief = [job for job in jobs if len(job.payload.body) < SHORT]
        reads = await asyncio.to_thread(lambda: [self._reader.parse(job.payload) for job in brief])
        small = [Small(j, r) for j, r in zip(brief, reads, strict=True) if _is_small(r.parsed)]
        if small:
            async with self._archive.renewing(small[0].job.lease):
                await self._database.transact(lambda connection: self._write(connection, small))
            fault("hub.after_ledger_commit")
        settled = {one.job.id for one in small}
        return [job for job in jobs if job.id not in settled]

    async def _write(self, connection: AsyncConnection, batch: Sequence[Small]) -> None:
        await self._resolve(connection, batch)
        await many(connection).link(connection, sorted({pair for one in batch for pair in _pairs(one)}))
        await self._observe(connection, batch)
        await self._archive.finish_all(connection, [(one.job, _outcome(one)) for one in batch])
        fault("hub.before_ledger_commit")

    async def _resolve(self, connection: AsyncConnection, batch: Sequence[Small]) -> None:
        """Find, lock and make the usage points of all; each payload by its own right."""
        named = [point for one in batch if one.read.parsed for point in one.read.parsed.points]
        stored = await points_of.known(connection, named, lock=True)
        for one in batch:
            if one.read.parsed is None:
                continue
            owner = owner_of(one.job)
            one.forbidden = points_of.refused(stored, owner)
            one.resolved = await points_of.make(connection, one.read.parsed.points, stored, owner)
            stored.update({row.external_id: row for row in one.resolved.rows})

    async def _observe(self, connection: AsyncConnection, batch: Sequence[Small]) -> None:
        zones: dict[int, str] = {}
        vehicles: set[int] = set()
        for one in batch:
            if one.resolved is None or one.read.parsed is None:
                continue
            zones |= {row.n: row.timezone for row in one.resolved.rows}
            vehicles |= {row.n for row in one.resolved.rows if row.kind == PointKind.VEHICLE}
            mine = {row.n: row.timezone for row in one.resolved.rows}
            table = LEDGER.observation
            one.news = News(table, one.job.id, one.resolved, one.forbidden, mine, self._reader.vault)
            one.found = one.news.found(one.read.parsed.observations)
        rows = await self._fresh(connection, batch)
        rows.sort(key=lambda row: _order(row, vehicles))
        await self._reader.accounts.take(connection, rows, zones, vehicles)

    async def _fresh(self, connection: AsyncConnection, batch: Sequence[Small]) -> list[Row]:
        """Rows that repeat nothing of an earlier payload, stored or of this batch."""
        keys = sorted({key for one in batch for key in one.found})
        last = max(one.job.id for one in batch)
        told = await many(connection).said(connection, LEDGER.observation, last, keys) if keys else {}
        rows: list[Row] = []
        for one in sorted(batch, key=lambda small: small.job.id):
            if one.news is None:
                continue
            earlier = {key: [t for t in told.get(key, ()) if t.payload < one.job.id] for key in one.found}
            for row in one.news.fresh(one.found, earlier):
                told.setdefault(_key(row), []).append(Told(one.job.id, row["values"], row["sealed"]))
                rows.append(row)
        return rows


def _is_small(parsed: Parsed | None) -> bool:
    return parsed is None or not len(parsed.days)


def _pairs(one: Small) -> list[tuple[int, int]]:
    rows = one.resolved.rows if one.resolved else []
    return [(row.n, one.job.id) for row in rows if row.external_id not in one.forbidden]


def _outcome(one: Small) -> Outcome:
    parsed = one.read.parsed
    if parsed is None or one.resolved is None:
        return Outcome("rejected", "opaque", Summary(), one.read.reason)
    refused = [p.external_id for p in parsed.points if p.external_id in one.forbidden]
    rejections = [*parsed.rejected, *(Rejected(0, not_held(name), 0) for name in refused)]
    summary = Summary(rows=parsed.rows, blank=parsed.blank, notes=list(parsed.notes), rejections=rejections)
    summary.rejected = sum(rejection.count for rejection in rejections)
    summary.points = points_of.names(one.resolved, one.forbidden)
    return Outcome("read", parsed.kind, summary)


def _order(row: Row, vehicles: set[int]) -> tuple[Any, ...]:
    """By usage point; a car's by their instants, others in the order of receipt: as accounts judge them."""
    n, at, payload = row["usage_point"], row["at"], row["payload"]
    return (n, at, payload) if n in vehicles else (n, payload, at)


def _key(row: Row) -> Key:
    return row["usage_point"], row["at"]
