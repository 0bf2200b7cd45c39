"""Alerts: what is found now opens, updates and closes them, however many processes look.

A site's open alerts are compared first; only where something differs is a writer needed. Its transaction
holds the site's row and compares again, so that two who found the same open one alert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.faults import fault, sabotaged
from wattledger.store.alerts.tables import alert as table
from wattledger.store.database import Database
from wattledger.store.ids import new_id
from wattledger.store.tables import site as sites

KEPT = timedelta(days=90)
"""for which closed alerts can be read"""
OPENED, WORSE, CLOSED = "opened", "worse", "closed"


class Finding(Protocol):
    """A trouble that was found."""

    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def text(self) -> str: ...
    @property
    def todo(self) -> str: ...
    @property
    def link(self) -> str: ...
    @property
    def sure(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert as it is kept."""

    id: str
    site: str
    kind: str
    subject: str
    level: str
    said: Mapping[str, str]
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    event: str | None
    next_tell_at: datetime | None
    tries: int
    told: Mapping[str, Sequence[str]]
    told_at: datetime | None

    @property
    def since(self) -> datetime:
        """Since when the trouble lasts, which is earlier than it was noticed."""
        return datetime.fromisoformat(self.said["since"])


Keep = Callable[[AlertRow], bool]
"""whether an open alert that was not found stays open: somebody else judges it"""


@dataclass(slots=True)
class Changes:
    """What a look changed."""

    opened: list[AlertRow] = field(default_factory=list)
    updated: list[AlertRow] = field(default_factory=list)
    closed: list[AlertRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.opened or self.updated or self.closed)


class AlertBook:
    """The table of alerts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, site: str | None) -> list[AlertRow]:
        """Open alerts of a site, of all with None; the worst first, then the newest."""
        order = (table.c.level != "bad", table.c.opened_at.desc(), table.c.id)
        return await self._list(_of(site) & table.c.closed_at.is_(None), *order)

    async def closed(self, site: str, limit: int = 50) -> list[AlertRow]:
        """The alerts of a site that closed last."""
        query = _of(site) & table.c.closed_at.is_not(None)
        return (await self._list(query, table.c.closed_at.desc(), table.c.id, limit=limit))[:limit]

    async def counts(self) -> list[tuple[str, str, int]]:
        """Open alerts of all sites by kind and level."""
        by = (table.c.kind, table.c.level)
        query = select(*by, func.count()).where(table.c.closed_at.is_(None)).group_by(*by)
        async with self._database.connect() as connection:
            return [(kind, level, n) for kind, level, n in await connection.execute(query)]

    async def reconcile(
        self,
        site: str,
        now: datetime,
        found: Sequence[Finding],
        *,
        keep: Keep = lambda row: False,
        known: Sequence[AlertRow] | None = None,
    ) -> Changes:
        """Open what is new, update what reads otherwise, close what is no longer found.

        `known`: the site's open alerts where they were read already. Doing it again changes nothing.
        """
        if not _plan(await self.open(site) if known is None else known, site, now, found, keep):
            return Changes()

        async def work(connection: AsyncConnection) -> Changes:
            if not sabotaged("alert_once"):
                await connection.execute(select(sites.c.id).where(sites.c.id == site).with_for_update())
            query = select(table).where(table.c.site == site, table.c.closed_at.is_(None))
            rows = known if sabotaged("alert_once") and known is not None else None
            if rows is None:
                rows = [row_of(row) for row in await connection.execute(query)]
            plan = _plan(rows, site, now, found, keep)
            await _apply(connection, plan)
            fault("alerts.before_commit")
            return plan

        return await self._database.transact(work)

    async def prune(self, now: datetime) -> int:
        """Forget what closed long ago and was told."""
        old = (table.c.closed_at < now - KEPT) & table.c.event.is_(None)
        async with self._database.begin() as connection:
            return (await connection.execute(delete(table).where(old))).rowcount

    async def _list(
        self, where: ColumnElement[bool], *order: ColumnElement[Any], limit: int | None = None
    ) -> list[AlertRow]:
        async with self._database.connect() as connection:
            rows = await connection.execute(select(table).where(where).order_by(*order).limit(limit))
            return [row_of(row) for row in rows]


def _plan(
    rows: Sequence[AlertRow], site: str, now: datetime, found: Sequence[Finding], keep: Keep
) -> Changes:
    """What would have to change; nothing where all is as it is kept."""
    wanted = {(str(one.kind), one.subject): one for one in found}
    plan, there = Changes(), set()
    for row in rows:
        one = wanted.get((row.kind, row.subject))
        there.add((row.kind, row.subject))
        if one is None:
            if not keep(row) and not sabotaged("alert_close"):
                plan.closed.append(_closed(row, now))
        elif one.sure and (row.level, row.said) != (one.level, _said(one)):
            plan.updated.append(_updated(row, one, now))
    plan.opened = [_opened(site, one, now) for key, one in wanted.items() if key not in there and one.sure]
    return plan


def _opened(site: str, one: Finding, now: datetime) -> AlertRow:
    return AlertRow(
        new_id(), site, str(one.kind), one.subject, one.level, _said(one), now, now, None,
        OPENED, now, 0, {}, None,
    )  # fmt: skip


def _updated(row: AlertRow, one: Finding, now: datetime) -> AlertRow:
    worse = one.level == "bad" and row.level != "bad" and row.event is None
    event, at = (WORSE, now) if worse else (row.event, row.next_tell_at)
    tries = 0 if worse else row.tries
    return AlertRow(
        row.id, row.site, row.kind, row.subject, one.level, _said(one), row.opened_at, now, None,
        event, at, tries, row.told, row.told_at,
    )  # fmt: skip


def _closed(row: AlertRow, now: datetime) -> AlertRow:
    """The end is told to whoever was told of the beginning, and after it: not while that is on its way."""
    untold = row.event == OPENED and not row.told and row.tries == 0
    event = None if untold else CLOSED
    waits = row.next_tell_at if row.event else None
    at = None if event is None else max(now, waits) if waits else now
    return AlertRow(
        row.id, row.site, row.kind, row.subject, row.level, row.said, row.opened_at, row.seen_at, now,
        event, at, 0, row.told, row.told_at,
    )  # fmt: skip


def _said(one: Finding) -> dict[str, str]:
    since = one.since.isoformat()
    return {"title": one.title, "text": one.text, "todo": one.todo, "link": one.link, "since": since}


async def _apply(connection: AsyncConnection, plan: Changes) -> None:
    names = [column.name for column in table.columns]
    if plan.opened:
        new = [{name: getattr(row, name) for name in names} for row in plan.opened]
        await connection.execute(insert(table), new)
    for row in (*plan.updated, *plan.closed):
        changed = {"level": row.level, "said": dict(row.said), "seen_at": row.seen_at}
        changed |= {"closed_at": row.closed_at, "event": row.event}
        changed |= {"next_tell_at": row.next_tell_at, "tries": row.tries}
        await connection.execute(update(table).where(table.c.id == row.id).values(changed))


def row_of(row: Row[Any]) -> AlertRow:
    """A row of the table."""
    return AlertRow(
        row.id, row.site, row.kind, row.subject, row.level, dict(row.said), row.opened_at, row.seen_at,
        row.closed_at, row.event, row.next_tell_at, row.tries, dict(row.told), row.told_at,
    )  # fmt: skip


def _of(site: str | None) -> ColumnElement[bool]:
    return true() if site is None else table.c.site == site
