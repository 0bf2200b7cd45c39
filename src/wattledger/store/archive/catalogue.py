"""The list of archived payloads, and their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, or_, select

from wattledger.errors import NotFound
from wattledger.store.archive.bodies import Bodies
from wattledger.store.archive.erase import whole
from wattledger.store.archive.objects import key_of
from wattledger.store.database import Database
from wattledger.store.rows import ArchiveWeight, PayloadRow
from wattledger.store.tables import body, payload_point, usage_point
from wattledger.store.tables import payload as table


class Catalogue:
    """Reads the table of payloads. `site` None means: any site (machines and operators)."""

    def __init__(self, database: Database, bodies: Bodies) -> None:
        self._database = database
        self._bodies = bodies

    async def list(
        self,
        site: str | None = None,
        *,
        limit: int = 100,
        before: int | None = None,
        connector: str | None = None,
        source: str | None = None,
        text: str | None = None,
        external_id: str | None = None,
    ) -> list[PayloadRow]:
        """The newest payloads first; `before` is the id to go on from, `text` is sought in file names."""
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        exact = {"site": site, "connector": connector, "source": source}
        for name, value in exact.items():
            if value is not None:
                query = query.where(table.c[name] == value)
        if before is not None:
            query = query.where(table.c.id < before)
        if text:
            query = _holding(query, text)
        if external_id is not None:
            query = query.where(table.c.id.in_(_about(external_id)))
        async with self._database.connect() as connection:
            return [_row(row) for row in await connection.execute(query)]

    async def of_home(self, site: str, after: int, limit: int) -> Sequence[PayloadRow]:
        """Payloads of a site, and a relay's that speak of its meters alone; oldest first, after an id."""
        mine = or_(table.c.site == site, whole(site))
        query = select(table).where(mine, table.c.id > after).order_by(table.c.id).limit(limit)
        async with self._database.connect() as connection:
            return [_row(row) for row in await connection.execute(query)]

    async def get(self, id: int, site: str | None = None) -> PayloadRow:
        """One payload. Raises NotFound, also for another site's."""
        query = select(table).where(table.c.id == id)
        if site is not None:
            query = query.where(table.c.site == site)
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound("There is no such file.")
        return _row(row)

    async def body(self, id: int, site: str | None = None) -> bytes:
        """The bytes as received. Raises NotFound; Corrupt where the disk changed them."""
        return await self._bodies.read((await self.get(id, site)).sha256)

    async def weight(self, site: str | None = None) -> ArchiveWeight:
        """How much the archive holds, each body once."""
        kept = select(table.c.sha256).distinct()
        if site is not None:
            kept = kept.where(table.c.site == site)
        sums = (func.count(), func.sum(body.c.size), func.sum(body.c.stored))
        async with self._database.connect() as connection:
            query = select(*sums).where(body.c.sha256.in_(kept))
            count, plain, stored = (await connection.execute(query)).one()
        return ArchiveWeight(count, int(plain or 0), int(stored or 0))


def _holding(query: Select[Any], text: str) -> Select[Any]:
    in_name = table.c.filename.icontains(text, autoescape=True)
    return query.where(or_(in_name, table.c.sha256.startswith(text.lower(), autoescape=True)))


def _about(external_id: str) -> Select[Any]:
    link = payload_point.join(usage_point, usage_point.c.n == payload_point.c.usage_point)
    chosen = select(payload_point.c.payload).select_from(link)
    return chosen.where(usage_point.c.external_id == external_id)


def _row(row: Any) -> PayloadRow:
    return PayloadRow(
        id=row.id,
        site=row.site,
        connector=row.connector,
        source=row.source,
        filename=row.filename,
        mime=row.mime,
        sha256=row.sha256,
        size=row.size,
        received_at=row.received_at,
        state=row.state,
        kind=row.kind,
        reason=row.reason,
        attempts=row.attempts,
        summary=dict(row.summary),
        storage_path=key_of(row.sha256),
        wrapped_in=list(row.wrapped_in),
        headers=dict(row.headers),
    )
