"""Signing in: a link that works once, then a session. Only digests of both are stored.

A link is used up by one UPDATE, so of many who present it at once exactly one gets a session.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, delete, exists, insert, literal, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.clock import token
from wattledger.faults import sabotaged
from wattledger.secrets import digest
from wattledger.store.columns import Instant
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.people.email import normal_email
from wattledger.store.people.principal import Principal, holder, presented, principal, touch
from wattledger.store.tables import login_link, membership, person, session

LINK_LIFE = timedelta(minutes=10)
IDLE = timedelta(days=14)
LONGEST = timedelta(days=90)
SEEN_EVERY = timedelta(hours=1)
"""how exactly the last use of a session is known"""
SIGN_IN, SETUP = "sign-in", "setup"


class SignIn:
    """Links and sessions; part of People."""

    _database: Database
    _audit: Audit

    async def start_link(self, email: str, now: datetime) -> str | None:
        """A link's word, good once for ten minutes; None where nobody has that address.

        Both cases run the same statements. Raises Refused for what is no address.
        """
        word = token()
        values = (literal(digest(word)), person.c.id, literal(SIGN_IN), *_span(now, now + LINK_LIFE))
        found = select(*values).where(person.c.email == normal_email(email))
        names = ["digest", "person", "purpose", "created_at", "expires_at"]
        async with self._database.begin() as connection:
            await connection.execute(delete(login_link).where(login_link.c.expires_at < now - LINK_LIFE))
            statement = insert(login_link).from_select(names, found).returning(login_link.c.digest)
            made = (await connection.execute(statement)).one_or_none()
        return None if made is None else word

    async def consume_link(self, word: str, now: datetime) -> str | None:
        """Turn a link into a session. Returns the session's word; None for a used, old or unknown link."""
        async with self._database.begin() as connection:
            who = await _use_up(connection, word, SIGN_IN, login_link.c.expires_at > now, now)
            return None if who is None else await self._open(connection, str(who.person), now)

    async def setup_link(self) -> str:
        """The word of a link by which the first owner is made; it takes the place of earlier ones.

        Good until used, and only while nobody exists.
        """
        word, now = token(), self._database.clock.now()
        async with self._database.begin() as connection:
            await connection.execute(delete(login_link).where(login_link.c.purpose == SETUP))
            values = {"digest": digest(word), "purpose": SETUP, "created_at": now}
            await connection.execute(insert(login_link).values(values))
        return word

    async def consume_setup(self, word: str, email: str, now: datetime) -> str | None:
        """Make the first owner and their session. Returns the session's word; None where the link is spent.

        Raises Refused for a bad address; the link is then still good.
        """
        address = normal_email(email)
        async with self._database.begin() as connection:
            nobody = ~exists(select(person.c.id))
            if await _use_up(connection, word, SETUP, nobody, now) is None:
                return None
            owner = await self._add_owner(connection, address, "setup link")
            return await self._open(connection, owner, now)

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

    async def end_session(self, word: str) -> None:
        """Sign out; an unknown session is fine."""
        async with self._database.begin() as connection:
            await connection.execute(delete(session).where(presented(session, word)))

    async def end_sessions(self, user_id: str) -> None:
        """Sign a person out everywhere."""
        async with self._database.begin() as connection:
            await connection.execute(delete(session).where(session.c.person == user_id))
            await self._audit.record(connection, f"person {user_id}", "sessions.ended", f"person:{user_id}")

    async def _open(self, connection: AsyncConnection, user_id: str, now: datetime) -> str:
        word = token()
        site = (
            select(membership.c.site).where(membership.c.person == user_id).order_by(membership.c.created_at)
        )
        values = {"digest": digest(word), "person": user_id, "created_at": now, "seen_at": now}
        where = await connection.scalar(site.limit(1))
        await connection.execute(delete(session).where(session.c.expires_at < now))
        await connection.execute(insert(session).values(**values, site=where, expires_at=now + LONGEST))
        await self._audit.record(connection, f"person {user_id}", "session.started", f"person:{user_id}")
        return word

    if TYPE_CHECKING:

        async def _add_owner(self, connection: AsyncConnection, address: str, by: str) -> str: ...


async def _use_up(
    connection: AsyncConnection, word: str, purpose: str, still: ColumnElement[bool], now: datetime
) -> Row[Any] | None:
    unused = true() if sabotaged("link_single_use") else login_link.c.used_at.is_(None)
    mine = presented(login_link, word) & (login_link.c.purpose == purpose)
    statement = (
        update(login_link).where(mine, unused, still).values(used_at=now).returning(login_link.c.person)
    )
    row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
    return row


def _span(start: datetime, end: datetime) -> tuple[ColumnElement[datetime], ColumnElement[datetime]]:
    return literal(start, Instant()), literal(end, Instant())
