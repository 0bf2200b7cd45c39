"""Meters whose owner had everything deleted: what came of them before stays unread, wherever it still lies.

A relay's file may hold meters of several homes. It stays for those that rest on it; of the erased ones
nothing is read any more. What comes later is read again: then somebody began anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.faults import sabotaged
from wattledger.model import MISSING, Parsed, Rejected, UsagePoint
from wattledger.store.tables import erased_meter as table

_CHUNK = 500


def word_of(external_id: str) -> str:
    """What is remembered of an erased meter: not its number."""
    return hashlib.sha256(f"erased {external_id}".encode()).hexdigest()


async def erased_of(connection: AsyncConnection, points: Iterable[UsagePoint], payload: int) -> set[str]:
    """Of these usage points the external ids that were erased after this payload had come."""
    words = {word_of(p.external_id): p.external_id for p in points}
    found: set[str] = set()
    ordered = sorted(words)
    for start in range(0, len(ordered), _CHUNK):
        query = select(table.c.word).where(table.c.word.in_(ordered[start : start + _CHUNK]))
        found |= {words[word] for word in await connection.scalars(query.where(table.c.through >= payload))}
    return set() if sabotaged("erased_stays") else found


def without(parsed: Parsed, erased: Collection[str]) -> Parsed:
    """What a payload says, without these usage points; their readings count as rejected."""
    kept = [i for i, p in enumerate(parsed.points) if p.external_id not in erased]
    place = {old: new for new, old in enumerate(kept)}
    mine = np.isin(parsed.days.point, kept)
    count = int((parsed.days.values[~mine] != MISSING).sum())
    days = parsed.days.take(mine)
    days.point = np.array([place[int(i)] for i in days.point], np.int32)
    rejected = [*parsed.rejected]
    if count:
        rejected.append(Rejected(0, "The owner of this meter had its readings deleted.", count))
    return replace(
        parsed,
        points=[parsed.points[i] for i in kept],
        days=days,
        observations=[replace(o, point=place[o.point]) for o in parsed.observations if o.point in place],
        rejected=rejected,
    )
