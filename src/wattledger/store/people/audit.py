"""The audit trail: who did what, in the action's own transaction, each row sealed to the one before.

hash(n) = sha256(hash(n-1) || canonical JSON of row n, its site where it has one): a row that is changed,
taken out or put between breaks the chain. Taking rows off the end shows against a head that was written
down elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.faults import sabotaged
from wattledger.store.database import Database, advisory_key
from wattledger.store.tables import audit

START = "0" * 64
BATCH = 1000


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One action. `subject` is what it was done to, by kind and id; `details` never hold a secret."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, Any]
    hash: str
    site: str | None = None


class Audit:
    """The table of actions; rows are only ever added."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self,
        connection: AsyncConnection | None,
        actor: str,
        action: str,
        subject: str,
        details: Mapping[str, Any] | None = None,
        site: str | None = None,
    ) -> None:
        """Add a row within the action's transaction, or in one of its own where none is given.

        `site` is whose action it was, None for the installation's own.
        """
        if connection is None:
            async with self._database.begin() as own:
                await self.record(own, actor, action, subject, details, site)
            return
        if self._database.is_postgres:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": advisory_key("audit")}
            )
        previous = await connection.scalar(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)) or START
        at = self._database.clock.now()
        kept = json.loads(json.dumps(dict(details or {})))
        values = {"at": at, "actor": actor, "action": action, "subject": subject, "details": kept}
        link = _link(previous, **values, site=site)
        await connection.execute(insert(audit).values(previous=previous, hash=link, site=site, **values))

    async def list(
        self, limit: int = 100, before: int | None = None, subject: str | None = None, site: str | None = None
    ) -> list[AuditRow]:
        """The newest rows first, of one subject or one site where given; `before` is the id to go on from."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        if subject is not None:
            query = query.where(audit.c.subject == subject)
        if site is not None:
            query = query.where(audit.c.site == site)
        async with self._database.connect() as connection:
            return [_row(row) for row in await connection.execute(query)]

    async def head(self) -> tuple[int, str]:
        """How many rows there are and the last one's hash: worth writing down somewhere else."""
        async with self._database.connect() as connection:
            count = await connection.scalar(select(func.count()).select_from(audit))
            last = await connection.scalar(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1))
        return count or 0, last or START

    async def verify(self) -> bool:
        """Whether every row still follows from the one before."""
        previous, last = START, 0
        while rows := await self._after(last):
            for row in rows:
                wanted = _link(previous, row.at, row.actor, row.action, row.subject, row.details, row.site)
                if (row.previous, row.hash) != (previous, wanted):
                    return False
                previous, last = row.hash, row.id
        return True

    async def _after(self, id: int) -> Sequence[Row[Any]]:
        query = select(audit).where(audit.c.id > id).order_by(audit.c.id).limit(BATCH)
        async with self._database.connect() as connection:
            return (await connection.execute(query)).all()


def _link(
    previous: str,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, Any],
    site: str | None,
) -> str:
    row = {"at": at.isoformat(timespec="microseconds"), "actor": actor, "action": action, "subject": subject}
    row |= {"site": site} if site is not None else {}
    canonical = json.dumps({**row, "details": details}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(("" if sabotaged("audit_chain") else previous + canonical).encode()).hexdigest()


def _row(row: Row[Any]) -> AuditRow:
    return AuditRow(row.id, row.at, row.actor, row.action, row.subject, row.details, row.hash, row.site)
