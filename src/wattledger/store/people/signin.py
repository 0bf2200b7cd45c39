"""Signing in: a link that works once, then a session. Only digests of both are stored.

A link is used up by one UPDATE, so of many who present it at once exactly one gets a session.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, delete, exists, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.clock import token
from wattledger.errors import Refused
from wattledger.faults import sabotaged
from wattledger.secrets import digest, same
from wattledger.store.people.email import normal_email
from wattledger.store.people.principal import presented
from wattledger.store.people.sessions import Sessions
from wattledger.store.tables import login_link, membership, person

LINK_LIFE = timedelta(minutes=10)
SIGN_IN, SETUP = "sign-in", "setup"


class SignIn(Sessions):
    """Links; part of People."""

    async def start_link(self, email: str, now: datetime, browser: str | None = None) -> str | None:
        """A link's word, good once for ten minutes; None where nobody of any site has that address.

        Both cases write the same: the row of an unknown address belongs to nobody and opens nothing.
        `browser` is a word that the asking browser keeps. Raises Refused for what is no address.
        """
        word = token()
        belongs = exists(select(membership.c.site).where(membership.c.person == person.c.id))
        who = select(person.c.id).where(person.c.email == normal_email(email), belongs).scalar_subquery()
        values = {"digest": digest(word), "person": who, "purpose": SIGN_IN, "created_at": now}
        values |= {"expires_at": now + LINK_LIFE, "browser": digest(browser) if browser else None}
        statement = insert(login_link).values(values).returning(login_link.c.person)
        async with self._database.begin() as connection:
            await connection.execute(delete(login_link).where(login_link.c.expires_at < now - LINK_LIFE))
            known = await connection.scalar(statement)
        return None if known is None else word

    async def asked_here(self, word: str, browser: str | None, typed: str | None = None) -> bool:
        """Whether a link was asked for in this browser, by nobody's browser, or its address was typed.

        A word that is no link of ours is nobody's: using it up fails by itself.
        """
        query = select(login_link.c.browser, person.c.email).join(person, person.c.id == login_link.c.person)
        query = query.where(presented(login_link, word), login_link.c.purpose == SIGN_IN)
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None or row.browser is None or sabotaged("link_browser"):
            return True
        if browser is not None and same(digest(browser).encode(), row.browser.encode()):
            return True
        return typed is not None and _is_address(typed, row.email)

    async def consume_link(self, word: str, now: datetime) -> str | None:
        """Turn a link into a session. Returns the session's word; None for a used, old or unknown link."""
        good = (login_link.c.expires_at > now) & login_link.c.person.is_not(None)
        async with self._database.begin() as connection:
            who = await use_up(connection, word, (SIGN_IN,), good, now)
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
        """Make the first owner and operator, and their session. Returns its word; None for a spent link.

        Raises Refused for a bad address; the link is then still good.
        """
        address = normal_email(email)
        async with self._database.begin() as connection:
            nobody = ~exists(select(person.c.id))
            if await use_up(connection, word, (SETUP,), nobody, now) is None:
                return None
            owner = await self._add_owner(connection, address, "setup link", operator=True)
            return await self._open(connection, owner, now)

    if TYPE_CHECKING:

        async def _add_owner(
            self, connection: AsyncConnection, address: str, by: str, *, operator: bool = False
        ) -> str: ...


async def use_up(
    connection: AsyncConnection,
    word: str,
    purposes: Collection[str],
    still: ColumnElement[bool],
    now: datetime,
) -> Row[Any] | None:
    """Spend a link's word: its row for the first who presents it while `still` holds, None for all others."""
    unused = true() if sabotaged("link_single_use") else login_link.c.used_at.is_(None)
    mine = presented(login_link, word) & login_link.c.purpose.in_(purposes)
    statement = update(login_link).where(mine, unused, still).values(used_at=now).returning(login_link)
    row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
    return row


def _is_address(typed: str, email: str) -> bool:
    try:
        return normal_email(typed) == email
    except Refused:
        return False
