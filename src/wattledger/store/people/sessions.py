"""Sessions: where a person is signed in, at which site, and how that ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.clock import token
from wattledger.errors import NotFound
from wattledger.secrets import digest, same
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.people.principal import Principal, holder, presented, principal, touch
from wattledger.store.tables import membership, session

IDLE = timedelta(days=14)
LONGEST = timedelta(days=90)
SEEN_EVERY = timedelta(hours=1)
"""how exactly the last use of a session is known"""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One browser that is signed in. `here`: the one that asks."""

    site: str | None
    created_at: datetime
    seen_at: datetime
    here: bool


class Sessions:
    """Sessions of people; part of People."""

    _database: Database
    _audit: Audit

    async def session(self, word: str, now: datetime) -> Principal | None:
        """Who holds a session; None once it is ended, 14 days unused or 90 days old."""
        alive = (session.c.expires_at > now) & (session.c.seen_at > now - IDLE)
        mine = presented(session, word)
        async with self._database.connect() as connection:
            query = holder(session, mine & alive, session.c.seen_at)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        if now - row.seen_at >= SEEN_EVERY:
            await touch(self._database, update(session).where(mine).values(seen_at=now))
        return principal(row, "session")

    async def sessions(self, user_id: str, now: datetime, word: str | None = None) -> list[SessionRow]:
        """Where a person is signed in, the last used first; `word` is the asking browser's session."""
        alive = (session.c.expires_at > now) & (session.c.seen_at > now - IDLE)
        query = select(session).where(session.c.person == user_id, alive).order_by(session.c.seen_at.desc())
        mine = digest(word).encode() if word else b""
        async with self._database.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [SessionRow(r.site, r.created_at, r.seen_at, same(r.digest.encode(), mine)) for r in rows]

    async def go_to(self, word: str, site: str, now: datetime) -> None:
        """Let a session be at another site of its person. Raises NotFound for a site that is not theirs."""
        async with self._database.begin() as connection:
            person = await connection.scalar(select(session.c.person).where(presented(session, word)))
            theirs = (membership.c.person == person) & (membership.c.site == site)
            done = await connection.execute(update(membership).where(theirs).values(used_at=now))
            if not done.rowcount:
                raise NotFound("There is no such site.")
            await connection.execute(update(session).where(presented(session, word)).values(site=site))

    async def end_session(self, word: str) -> None:
        """Sign out; an unknown session is fine."""
        async with self._database.begin() as connection:
            await connection.execute(delete(session).where(presented(session, word)))

    async def end_sessions(self, user_id: str, by: str | None = None, site: str | None = None) -> None:
        """Sign a person out everywhere. `by` and `site`: who did it, and as whose member."""
        async with self._database.begin() as connection:
            await connection.execute(delete(session).where(session.c.person == user_id))
            await self._audit.record(
                connection, by or f"person {user_id}", "sessions.ended", f"person:{user_id}", site=site
            )

    async def _open(
        self, connection: AsyncConnection, user_id: str, now: datetime, site: str | None = None
    ) -> str:
        """A new session at a site, else at the one that was used last."""
        word = token()
        where = site or await connection.scalar(_last_used(user_id))
        values = {"digest": digest(word), "person": user_id, "created_at": now, "seen_at": now}
        await connection.execute(delete(session).where(session.c.expires_at < now))
        await connection.execute(insert(session).values(**values, site=where, expires_at=now + LONGEST))
        here = (membership.c.person == user_id) & (membership.c.site == where)
        await connection.execute(update(membership).where(here).values(used_at=now))
        await self._audit.record(
            connection, f"person {user_id}", "session.started", f"person:{user_id}", site=where
        )
        return word


def _last_used(user_id: str) -> Select[Any]:
    theirs = select(membership.c.site).where(membership.c.person == user_id)
    return theirs.order_by(membership.c.used_at.desc().nulls_last(), membership.c.created_at).limit(1)
