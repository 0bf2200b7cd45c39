"""Connections: owners' links to vendors. Each row is its own job: due time, lease, state, failures.

Whoever works on a row holds its lease, and every write of theirs is fenced by it. A killed worker's
lease runs out. States: never, ok, late, needs_login, misconfigured, disconnected.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.clock import chance
from wattledger.errors import NotFound, Refused
from wattledger.secrets import SecretUnreadable, Vault
from wattledger.store.database import Database
from wattledger.store.ids import new_id
from wattledger.store.lease import reached, unheld
from wattledger.store.people.audit import Audit
from wattledger.store.sources.ending import UNHELD, Endings, held, working
from wattledger.store.sources.heartbeats import Heartbeats
from wattledger.store.sources.newest import newest
from wattledger.store.sources.oauth_states import OAuthStates
from wattledger.store.sources.outcome import DISCONNECTED, STOPPED
from wattledger.store.sources.vendor_tokens import VendorTokens
from wattledger.store.tables import connection as table
from wattledger.store.together import Together

LEASE = timedelta(seconds=60)
Also = Callable[[AsyncConnection, str], Awaitable[None]]
"""what belongs into a connection's transaction, given its id"""
OVERDUE = timedelta(minutes=15)
"""a due connection that nobody asked for this long shows as late"""


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One link to a vendor, as pages show it; nothing secret."""

    id: str
    site: str
    connector: str
    options: Mapping[str, Any]
    state: str
    next_poll_at: datetime | None
    failures: int
    last_success: datetime | None
    last_error: str | None
    created_at: datetime
    last_asked: datetime | None = None
    paused_until: datetime | None = None
    """the vendor's wish: not even a person's click asks earlier"""
    leased_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A connection that is ours until its lease runs out."""

    id: str
    site: str
    connector: str
    options: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    lease: str
    newest: datetime | None
    """how far what is stored of this vendor reaches at this site"""
    removed: bool = False
    """whether its owner let it go, and its vendor is yet to be told"""


class Connections(VendorTokens, Heartbeats, OAuthStates, Endings):
    """Connections, their vendor tokens and sign-ins, and the heartbeats of relays."""

    def __init__(self, database: Database, vault: Vault, random: Callable[[], float] = chance) -> None:
        self._database = database
        self._vault = vault
        self._audit = Audit(database)
        self._random = random
        self._by_id = Together(self._of_these)

    async def create(
        self,
        site: str,
        connector: str,
        options: Mapping[str, Any],
        secrets: Mapping[str, str],
        by: str = "operator",
        token: Mapping[str, Any] | None = None,
        also: Also | None = None,
    ) -> ConnectionRow:
        """A new connection, due at once; secrets and token are sealed. Raises Misconfigured without a key.

        `also` is written with it, or neither is.
        """
        id, now = new_id(), self._database.clock.now()
        values = {"id": id, "site": site, "connector": connector, "options": dict(options), "created_at": now}
        sealed = self._vault.seal(_json(secrets), **_cell(id)) if secrets else None
        values["token"] = None if token is None else self.sealed_token(id, token)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(table).values(**values, secrets=sealed, next_poll_at=now))
            subject, about = f"connection:{id}", {"connector": connector}
            await self._audit.record(connection, by, "connection.made", subject, about, site)
            if also is not None:
                await also(connection, id)

        await self._database.transact(work)
        return await self.get(id, site)

    async def list(self, site: str | None) -> Sequence[ConnectionRow]:
        """The connections of a site, of all with None; oldest first."""
        query = select(table).where(_of(site)).order_by(table.c.created_at, table.c.id)
        async with self._database.connect() as connection:
            return [self._row(row) for row in await connection.execute(query)]

    async def get(self, id: str, site: str | None) -> ConnectionRow:
        """One connection. Raises NotFound, also for another site's."""
        found = await self._by_id.find(id)
        if found is None or site not in (None, found.site):
            raise NotFound("There is no such connection.")
        return found

    async def _of_these(self, ids: Sequence[str]) -> dict[str, ConnectionRow]:
        async with self._database.connect() as connection:
            rows = await connection.execute(select(table).where(table.c.id.in_(ids)))
            return {row.id: self._row(row) for row in rows}

    async def resume(
        self,
        id: str,
        site: str | None,
        secrets: Mapping[str, str] | None = None,
        token: Mapping[str, Any] | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        by: str = "operator",
        also: Also | None = None,
    ) -> None:
        """Make a connection due now, whatever stopped it, and write `also` with that. Raises NotFound.

        New secrets take the place of the old ones, and of the token that was got with them; whoever still
        works with those has lost the connection. Without them a disconnected one is not resumed: Refused.
        """
        if secrets is None and (await self.get(id, site)).state == DISCONNECTED:
            raise Refused("This connection was disconnected; sign in anew.", "DISCONNECTED", status=409)
        running = case((table.c.state.in_(STOPPED), "late"), else_=table.c.state)
        now = self._database.clock.now()
        changes: dict[str, Any] = {"state": running, "failures": 0, "next_poll_at": now}
        if secrets is not None:
            changes["secrets"] = self._vault.seal(_json(secrets), **_cell(id))
            changes["token"] = None if token is None else self.sealed_token(id, token)
            changes["token_generation"] = table.c.token_generation + 1
            changes["refresh_started_at"] = None
            changes |= {"last_error": None, "paused_until": None}
            changes |= UNHELD
        if options is not None:
            changes["options"] = dict(options)

        async def work(connection: AsyncConnection) -> None:
            mine = update(table).where(table.c.id == id, _of(site)).values(changes)
            where = await connection.scalar(mine.returning(table.c.site))
            if where is None:
                raise NotFound("There is no such connection.")
            about = {"secrets": "kept" if secrets is None else "new"}
            await self._audit.record(connection, by, "connection.resumed", f"connection:{id}", about, where)
            if also is not None:
                await also(connection, id)

        await self._database.transact(work)

    async def secrets(self, id: str, site: str | None) -> Mapping[str, str]:
        """What is sealed for a connection. Raises NotFound; SecretUnreadable where it can't be opened."""
        query = select(table.c.secrets).where(table.c.id == id, _of(site))
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound("There is no such connection.")
        opened = self._vault.open(row.secrets, **_cell(id)) if row.secrets is not None else b"{}"
        found: Mapping[str, str] = json.loads(opened)
        return found

    async def claim_one(self, id: str) -> Claimed | None:
        """Lease this connection whether or not it is due; None while another holds it."""
        now = self._database.clock.now()
        leased = {"lease": new_id(), "leased_until": now + LEASE}
        free = unheld(table.c.leased_until, now, LEASE)
        wanted = (table.c.id == id) & or_(table.c.state != DISCONNECTED, working())
        taken = update(table).where(wanted, free).values(leased).returning(table)
        async with self._database.begin() as connection:
            row = (await connection.execute(taken)).one_or_none()
        return None if row is None else await self._open(row)

    async def claim_unfinished(self, limit: int, connectors: Collection[str]) -> Sequence[Claimed]:
        """Lease connections whose refresh a dead process left unfinished, whoever held their lease."""
        found: list[Claimed] = []
        async with aclosing(self.abandoned(connectors)) as left:
            async for id in left:
                if len(found) >= limit:
                    break
                leased = {"lease": new_id(), "leased_until": self._database.clock.now() + LEASE}
                taken = update(table).where(table.c.id == id).values(leased).returning(table)
                async with self._database.begin() as connection:
                    row = (await connection.execute(taken)).one_or_none()
                if row is not None and (claimed := await self._open(row)):
                    found.append(claimed)
        return found

    async def claim(self, limit: int, connectors: Collection[str]) -> Sequence[Claimed]:
        """Lease up to `limit` due connections of these connectors, the longest due first.

        One whose secrets cannot be opened is stopped as misconfigured and left out.
        """
        now = self._database.clock.now()
        due = select(table.c.id).where(_due(connectors, now)).order_by(table.c.next_poll_at).limit(limit)
        async with self._database.connect() as connection:
            if (await connection.execute(due)).first() is None:
                return []  # most looks find nothing: they need no writer
        chosen = due.with_for_update(skip_locked=True).cte("chosen")
        leased = {"lease": new_id(), "leased_until": now + LEASE}
        taken = update(table).where(table.c.id.in_(select(chosen.c.id))).values(leased).returning(table)
        async with self._database.begin() as connection:
            rows = (await connection.execute(taken)).all()
        found = [await self._open(row) for row in sorted(rows, key=lambda row: row.next_poll_at)]
        return [claimed for claimed in found if claimed is not None]

    async def renew(self, id: str, lease: str) -> bool:
        """Hold a lease for another minute. False where another holder has it by now."""
        until = self._database.clock.now() + LEASE
        async with self._database.begin() as connection:
            done = await connection.execute(update(table).where(held(id, lease)).values(leased_until=until))
        return done.rowcount > 0

    async def _open(self, row: Row[Any]) -> Claimed | None:
        secrets: Mapping[str, str] = {}
        try:
            if row.secrets is not None:
                secrets = json.loads(self._vault.open(row.secrets, **_cell(row.id)))
        except SecretUnreadable as error:
            await self.settle(row.id, row.lease, error)
            return None
        since = await newest(self._database, row.site, row.connector)
        removed = row.state == DISCONNECTED
        return Claimed(row.id, row.site, row.connector, row.options, secrets, row.lease, since, removed)

    def _row(self, row: Row[Any]) -> ConnectionRow:
        waited = row.next_poll_at and self._database.clock.now() - row.next_poll_at > OVERDUE
        state = "late" if waited and row.state == "ok" else row.state
        return ConnectionRow(
            row.id, row.site, row.connector, row.options, state, row.next_poll_at,
            row.failures, row.last_success, row.last_error, row.created_at,
            row.last_asked, row.paused_until, row.leased_until,
        )  # fmt: skip


def _due(connectors: Collection[str], now: datetime) -> ColumnElement[bool]:
    free = unheld(table.c.leased_until, now, LEASE)
    due = reached(table.c.next_poll_at, table.c.last_asked, now)
    return and_(table.c.connector.in_(connectors), due, free, working())


def _of(site: str | None) -> ColumnElement[bool]:
    return true() if site is None else table.c.site == site


def _cell(id: str) -> dict[str, str]:
    return {"table": "connection", "row": id, "column": "secrets"}


def _json(secrets: Mapping[str, str]) -> bytes:
    return json.dumps(dict(secrets)).encode()
