"""Everything of a site, deleted for good: payloads with their bytes, energy, observations, links to vendors.

The only thing that erases. In transactions of bounded size; one that was interrupted goes on where it
stopped, by itself when a hub starts. Kept are the site, its people, the audit, bytes that another site
received too, and a relay's files on which other homes rest: of those nothing of this site is read any more
(`erased`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import NotFound
from wattledger.faults import fault, sabotaged
from wattledger.model import Source
from wattledger.store.archive.bodies import Bodies
from wattledger.store.archive.erased import word_of
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.tables import (
    alert,
    api_token,
    audit,
    connection,
    energy_day,
    energy_superseded,
    erased_meter,
    login_link,
    meter_claim,
    observation,
    payload,
    payload_point,
    point_state,
    site,
    usage_point,
    vehicle,
)
from wattledger.store.upsert import insert_new

BEGUN, DONE = "site.erasing", "site.erased"
PAYLOADS = 100
"""payloads of one transaction"""
ROWS = 2000
"""rows of one usage point that one transaction deletes"""


@dataclass(slots=True)
class Erased:
    """What was deleted; `kept` are files that other homes rest on."""

    payloads: int = 0
    bytes: int = 0
    points: int = 0
    connections: int = 0
    kept: int = 0


class Erase:
    """See the module. One at a time across processes, and none beside a replay."""

    def __init__(self, database: Database, bodies: Bodies) -> None:
        self._database = database
        self._bodies = bodies
        self._audit = Audit(database)

    async def site(self, id: str, by: str) -> Erased:
        """Delete everything of a site. Raises NotFound, TryLater; then asking again goes on."""
        async with self._database.exclusive("erase"):
            return await self._site(id, by)

    async def _site(self, id: str, by: str) -> Erased:
        done = Erased()
        async with self._database.begin() as c:
            if await c.scalar(select(site.c.id).where(site.c.id == id)) is None:
                raise NotFound("There is no such site.")
            await self._audit.record(c, by, BEGUN, f"site:{id}", site=id)
            await _stop(c, id)
        async with self._database.exclusive("replay"):
            left = True
            while left:
                await self._payloads(id, done)
                await self._points(id, done)
                left = await self._last(id, by, done)
        return done

    async def unfinished(self) -> Sequence[tuple[str, str]]:
        """Sites (with who asked) whose deletion began and did not come to its end."""
        said = audit.c.action.in_((BEGUN, DONE))
        newest = select(func.max(audit.c.id)).where(said).group_by(audit.c.site)
        query = select(audit.c.site, audit.c.actor).where(audit.c.id.in_(newest), audit.c.action == BEGUN)
        async with self._database.connect() as c:
            return [(row.site, row.actor) for row in await c.execute(query)]

    async def resume(self) -> int:
        """Finish what was interrupted, unless somebody is at it. Returns how many sites."""
        async with self._database.attempt("erase") as free:
            sites = await self.unfinished() if free else []
            for id, by in sites:
                await self._site(id, by)
        return len(sites)

    async def _payloads(self, id: str, done: Erased) -> None:
        """Files and polls, by batches, with the bytes that nobody else received."""
        while True:
            async with self._database.begin() as c:
                query = select(payload.c.id, payload.c.sha256).where(whole(id))
                rows = (await c.execute(query.order_by(payload.c.id).limit(PAYLOADS).with_for_update())).all()
                if not rows:
                    return
                ids = [row.id for row in rows]
                for table in (observation, payload_point):
                    await c.execute(delete(table).where(table.c.payload.in_(ids)))
                await c.execute(delete(payload).where(payload.c.id.in_(ids)))
                size = await self._bodies.forget(c, {row.sha256 for row in rows})
                fault("hub.erase_step")
            done.payloads, done.bytes = done.payloads + len(ids), done.bytes + size

    async def _points(self, id: str, done: Erased) -> None:
        query = select(usage_point.c.n).where(_of(usage_point, id)).order_by(usage_point.c.n)
        async with self._database.connect() as c:
            numbers = list(await c.scalars(query))
        for n in numbers:
            for table, key in ((energy_day, "day"), (energy_superseded, "day"), (observation, "at")):
                await self._rows(table, key, n)
            async with self._database.begin() as c:
                done.points += await _point(c, n)
                fault("hub.erase_step")

    async def _rows(self, table: Table, key: str, n: int) -> None:
        """A usage point's rows of one table, in order of `key`, so many in one transaction."""
        mine, by = table.c.usage_point == n, table.c[key]
        while True:
            async with self._database.begin() as c:
                end = await c.scalar(select(by).where(mine).order_by(by).offset(ROWS).limit(1))
                await c.execute(delete(table).where(mine, true() if end is None else by <= end))
                fault("hub.erase_step")
            if end is None:
                return

    async def _last(self, id: str, by: str, done: Erased) -> bool:
        """Links to vendors and what else is the site's; True, and nothing done, where more came meanwhile."""
        async with self._database.begin() as c:
            for query in (
                select(usage_point.c.n).where(_of(usage_point, id)),
                select(payload.c.id).where(whole(id)),
            ):
                if (await c.execute(query.limit(1))).first() is not None:
                    return True
            shared = select(func.count()).select_from(payload).where(_of(payload, id))
            done.kept = await c.scalar(shared) or 0
            gone = await c.execute(delete(connection).where(_of(connection, id)))
            done.connections = gone.rowcount
            for table in (alert, meter_claim):
                await c.execute(delete(table).where(_of(table, id)))
            plain: dict[str, Any] = {"home": None, "webhook": None, "choices": {}}
            await c.execute(update(site).where(site.c.id == id).values(plain))
            await self._audit.record(c, by, DONE, f"site:{id}", asdict(done), id)
            fault("hub.erase_step")
        return False


async def _stop(c: AsyncConnection, id: str) -> None:
    """First of all nothing more comes: no worker holds a link, no token or invitation opens anything."""
    ended = {"state": "disconnected", "token": None, "secrets": None, "next_poll_at": None}
    ended |= {"lease": None, "leased_until": None, "listener": None, "listening_until": None}
    await c.execute(update(connection).where(_of(connection, id)).values(ended))
    for table in (api_token, login_link):
        await c.execute(delete(table).where(_of(table, id)))


async def _point(c: AsyncConnection, n: int) -> int:
    """The usage point itself, with what was written of it meanwhile; none where it is gone already."""
    query = select(usage_point.c.external_id).where(usage_point.c.n == n).with_for_update()
    name = await c.scalar(query)
    if name is None:
        return 0
    links = select(payload_point.c.payload).where(payload_point.c.usage_point == n).limit(1)
    if (await c.execute(links)).first() is not None:
        await _remember(c, name)
    others = (observation, energy_day, energy_superseded, point_state, vehicle, payload_point)
    for table in others:
        await c.execute(delete(table).where(table.c.usage_point == n))
    await c.execute(delete(usage_point).where(usage_point.c.n == n))
    return 1


async def _remember(c: AsyncConnection, external_id: str) -> None:
    """Of what has come so far nothing is read of this meter any more, wherever it stays."""
    through = await c.scalar(select(func.max(payload.c.id))) or 0
    word = word_of(external_id)
    await insert_new(c, erased_meter, {"word": word, "through": through})
    await c.execute(update(erased_meter).where(erased_meter.c.word == word).values(through=through))


def _of(table: Table, id: str) -> ColumnElement[bool]:
    return true() if sabotaged("erase_scope") else table.c.site == id


def whole(id: str) -> ColumnElement[bool]:
    """Which payloads are a site's alone: its own, or a relay's of its meters; and of no other's meters.

    What a person uploaded counts for no other site, whatever it speaks of.
    """
    relayed = payload.c.source == Source.RELAY.value
    mine = or_(_of(payload, id), relayed & _speaks(_of(usage_point, id)))
    others = (payload.c.source != Source.UPLOAD.value) & _speaks(usage_point.c.site != id)
    return mine & (true() if sabotaged("erase_scope") else ~others)


def _speaks(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a payload speaks of such usage points."""
    link = usage_point.c.n == payload_point.c.usage_point
    found = select(payload_point.c.payload).join(usage_point, link)
    return found.where(payload_point.c.payload == payload.c.id, which).correlate(payload).exists()
