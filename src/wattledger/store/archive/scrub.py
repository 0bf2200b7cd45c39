"""The scrub: every archived body against its digest, every day's totals against its own slots."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import select

from wattledger import localday
from wattledger.errors import NotFound
from wattledger.model import MISSING, Flag
from wattledger.secrets import SecretUnreadable
from wattledger.store.archive.bodies import Bodies, Corrupt
from wattledger.store.database import Database
from wattledger.store.ledger.blocks import FLAGS, VALUES
from wattledger.store.tables import body, energy_day, usage_point

if TYPE_CHECKING:
    from wattledger.store import Store


@dataclass(slots=True)
class ScrubReport:
    """How much was checked, and a sentence for each thing that is wrong."""

    bodies: int = 0
    days: int = 0
    problems: list[str] = field(default_factory=list)
    unopened: list[str] = field(default_factory=list)
    """sealed bodies that no key here opens"""


async def scrub(store: Store) -> ScrubReport:
    """Check the whole store, a body and a usage point at a time. Changes nothing."""
    report = await scrub_parts(store.database, store.bodies)
    report.problems += report.unopened
    return report


async def scrub_parts(database: Database, bodies: Bodies) -> ScrubReport:
    """See `scrub`; whether unopened bodies are a problem is for the caller to say."""
    report = ScrubReport()
    async with database.connect() as connection:
        digests = list(await connection.scalars(select(body.c.sha256).order_by(body.c.sha256)))
    for sha256 in digests:
        report.bodies += 1
        try:
            await bodies.read(sha256)
        except (Corrupt, NotFound) as error:
            report.problems.append(str(error))
        except SecretUnreadable as error:
            report.unopened.append(str(error))
    async for name, zone, row in _days(database):
        report.days += 1
        wrong = _wrong(row, zone)
        if wrong:
            report.problems.append(f"{name}, {localday.day(row.day).isoformat()}: {wrong}.")
    return report


async def _days(database: Database) -> AsyncIterator[tuple[str, str, Any]]:
    async with database.connect() as connection:
        points = (await connection.execute(select(usage_point).order_by(usage_point.c.n))).all()
        for point in points:
            query = select(energy_day).where(energy_day.c.usage_point == point.n).order_by(energy_day.c.day)
            for row in await connection.execute(query):
                yield point.external_id, point.timezone, row


def _wrong(row: Any, zone: str) -> str | None:
    """What is wrong with a stored day; None for a sound one."""
    stored = row._mapping
    values = np.frombuffer(stored["values"], VALUES)
    flags = np.zeros(len(values), FLAGS) if row.flags is None else np.frombuffer(row.flags, FLAGS)
    slots = localday.slots(row.day, zone)
    if len(values) != slots or len(flags) != slots:
        return f"the day has {slots} quarter-hours, {len(values)} are stored"
    known = values != MISSING
    counted = (
        int(values[known].sum(dtype=np.int64)),
        int(known.sum()),
        int(np.count_nonzero(flags & np.uint8(Flag.ESTIMATED))),
        int(np.count_nonzero(flags & np.uint8(Flag.DERIVED))),
    )
    noted = (row.total_wh, row.found, row.estimated, row.derived)
    names = ("Wh", "readings", "estimated", "derived")
    unlike = [f"{a} {n}, {b} counted" for n, a, b in zip(names, noted, counted, strict=True) if a != b]
    return "the totals do not match the slots: " + "; ".join(unlike) if unlike else None
