"""Which stored usage points a file speaks of: found, locked, and made where they are new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, ColumnElement, Text, any_, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.faults import sabotaged
from wattledger.model import Source, UsagePoint
from wattledger.store.ids import new_id
from wattledger.store.meter_claims import settled as claims_settled
from wattledger.store.rows import PointName, UsagePointRow
from wattledger.store.tables import usage_point
from wattledger.store.usage_points import row_of

_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose file it is, and whether it may write into another site's usage points."""

    site: str
    connector: str
    source: Source
    received_at: datetime


@dataclass(slots=True)
class Resolved:
    """The stored usage points of a file, in the file's order."""

    rows: list[UsagePointRow]
    new: NDArray[np.bool_]

    @property
    def numbers(self) -> NDArray[np.int32]:
        """n: `usage_point.n` by the file's index."""
        return np.array([row.n for row in self.rows], np.int32)


async def known(
    connection: AsyncConnection, points: Iterable[UsagePoint], *, lock: bool = False
) -> dict[str, UsagePointRow]:
    """The usage points of these external ids that are stored; locked in the order of their number."""
    wanted, found = sorted({p.external_id for p in points}), {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(usage_point).where(_named(connection, wanted[start : start + _CHUNK]))
        if lock:
            query = query.order_by(usage_point.c.n).with_for_update()
        for row in await connection.execute(query):
            found[row.external_id] = row_of(row)
    return found


def _named(connection: AsyncConnection, external_ids: list[str]) -> ColumnElement[bool]:
    """One parameter where an engine has arrays: a statement of many is read anew each time."""
    column = usage_point.c.external_id
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam("external_ids", external_ids, type_=ARRAY(Text)))
    return column.in_(external_ids)


def zones(rows: dict[str, UsagePointRow]) -> dict[str, str]:
    """The stored zone by external id."""
    return {name: row.timezone for name, row in rows.items()}


def refused(rows: dict[str, UsagePointRow], owner: Owner) -> frozenset[str]:
    """The external ids that this payload may not write into: all but a relay's stay within their site."""
    if owner.source is Source.RELAY or sabotaged("foreign_refused"):
        return frozenset()
    return frozenset(name for name, row in rows.items() if row.site != owner.site)


async def make(
    connection: AsyncConnection,
    points: Sequence[UsagePoint],
    stored: dict[str, UsagePointRow],
    owner: Owner,
) -> Resolved:
    """Add the new ones to the payload's site, and what is newly known of the others."""
    fresh = {p.external_id: p for p in points if p.external_id not in stored}
    rows = dict(stored)
    if fresh:
        brought = list(fresh) if owner.source is Source.RELAY else []
        claimed = await claims_settled(connection, brought, owner.received_at) if brought else {}
        values = [
            _values(fresh[name], owner) | {"site": claimed.get(name, owner.site)} for name in sorted(fresh)
        ]
        made = await connection.execute(insert(usage_point).returning(usage_point), values)
        rows.update({row.external_id: row_of(row) for row in made})
    forbidden = refused(stored, owner)
    for point in points:
        if point.external_id in stored and point.external_id not in forbidden:
            rows[point.external_id] = await _learn(connection, rows[point.external_id], point)
    return Resolved(
        [rows[p.external_id] for p in points], np.array([p.external_id in fresh for p in points], bool)
    )


def names(resolved: Resolved, forbidden: frozenset[str]) -> list[PointName]:
    """What a summary says of them, without those of others."""
    kept = {
        r.id: PointName(r.id, r.external_id, r.name) for r in resolved.rows if r.external_id not in forbidden
    }
    return list(kept.values())


async def _learn(connection: AsyncConnection, row: UsagePointRow, point: UsagePoint) -> UsagePointRow:
    """The usage point with what is newly known of it."""
    details = {**row.details, **point.details}
    if details == row.details:
        return row
    await connection.execute(update(usage_point).where(usage_point.c.n == row.n).values(details=details))
    return replace(row, details=details)


def _values(point: UsagePoint, owner: Owner) -> dict[str, Any]:
    return {
        "id": new_id(),
        "site": owner.site,
        "connector": owner.connector,
        "kind": point.kind.value,
        "external_id": point.external_id,
        "name": point.name,
        "timezone": point.timezone,
        "details": dict(point.details),
        "created_at": owner.received_at,
    }
