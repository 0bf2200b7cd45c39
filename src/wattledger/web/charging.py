"""A car's charging sessions as routes and pages ask for them: observations in, sessions out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from wattledger.charging import Battery, Seen, seen_of
from wattledger.errors import NotFound
from wattledger.insight.session import Place, Session
from wattledger.insight.session_words import AROUND, MeterSlot, by_meter
from wattledger.insight.sessions import between, sessions
from wattledger.localday import QUARTER
from wattledger.model import Flow, PointKind
from wattledger.secrets import SecretUnreadable
from wattledger.store import Store
from wattledger.store.observed.cars import at_home, battery_of
from wattledger.store.observed.observations import ObservationRow
from wattledger.store.people.sites import Home
from wattledger.store.rows import UsagePointRow

BEFORE = timedelta(days=14)
"""read before what is wanted, so that a session that goes on is known from its begin"""
AT_ONCE = 100_000
CAPACITY = "capacity_kwh"
LONGEST = timedelta(hours=48)
"""a longer session is no question to the meter"""
MOST_ASKED = 50


async def battery(store: Store, point: UsagePointRow) -> Battery:
    """What the owner says of a car."""
    try:
        return battery_of((await store.vehicles.get(point.id, point.site)).options)
    except NotFound:
        return Battery()


async def home(store: Store, site: str) -> Home | None:
    """Where a site is; None where nobody said, or where no key here opens it."""
    try:
        return await store.sites.home(site)
    except SecretUnreadable:
        return None


async def observed(store: Store, point: UsagePointRow, start: datetime, end: datetime) -> list[Seen]:
    """What a car said of charging in [start, end); its capacity may have been said before."""
    rows = await store.observations.list(point, start, end, limit=AT_ONCE)
    where = await home(store, point.site)
    seen = await asyncio.to_thread(_seen, store, rows, where)
    if not seen or seen[0].capacity is not None:
        return seen
    told = (await store.observations.before(point, start, [CAPACITY])).get(CAPACITY)
    size = seen_of(start, {CAPACITY: told.value}, None) if told else None
    return [replace(seen[0], capacity=size.capacity), *seen[1:]] if size else seen


def _seen(store: Store, rows: Sequence[ObservationRow], where: Home | None) -> list[Seen]:
    found = (seen_of(row.at, row.values, _place(store, row, where)) for row in rows)
    return [one for one in found if one is not None]


def _place(store: Store, row: ObservationRow, where: Home | None) -> bool | None:
    if where is None or row.sealed is None:
        return None
    try:
        return at_home(where, store.observations.open(row))
    except SecretUnreadable:
        return None


async def sessions_of(store: Store, point: UsagePointRow, start: datetime, end: datetime) -> list[Session]:
    """Sessions that touch [start, end), oldest first; of those without a place, what the meter says too."""
    return (await read(store, point, start, end))[0]


async def read(
    store: Store, point: UsagePointRow, start: datetime, end: datetime
) -> tuple[list[Session], list[Seen]]:
    """The same, and what the car said, from some days before."""
    seen = await observed(store, point, start - BEFORE, end)
    owners = await battery(store, point)
    listed = await asyncio.to_thread(sessions, seen, owners, point.timezone)
    return await _asked(store, point.site, between(listed, start, end)), seen


async def _asked(store: Store, site: str, listed: Sequence[Session]) -> list[Session]:
    """With the meter's word, of the newest that have no place."""
    unknown = [n for n, s in enumerate(listed) if s.place is Place.UNKNOWN and s.wh and s.end is not None]
    if not unknown:
        return list(listed)
    meters = [p for p in await store.points.list(site) if p.kind == PointKind.METER]
    found = list(listed)
    for n in unknown[-MOST_ASKED:]:
        if len(meters) == 1 and (told := await _by_meter(store, meters[0], found[n])):
            found[n] = replace(found[n], evidence=(*found[n].evidence, told))
    return found


async def _by_meter(store: Store, meter: UsagePointRow, session: Session) -> str | None:
    start, end = session.segments[0].start, session.segments[-1].end
    if end - start > LONGEST:
        return None
    first = _floor(start - AROUND)
    slots = await store.energy.series(meter, Flow.DELIVERED, first, _floor(end + AROUND), "interval")
    return by_meter(session, [MeterSlot(slot.start, slot.wh) for slot in slots])


def _floor(when: datetime) -> datetime:
    return when - timedelta(seconds=when.timestamp() % QUARTER.total_seconds())
