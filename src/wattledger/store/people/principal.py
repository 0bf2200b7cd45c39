"""Who is asking, once they have shown it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, Table, Update, or_, select

from wattledger.errors import TryLater
from wattledger.secrets import digest
from wattledger.store.database import Database
from wattledger.store.tables import api_token, membership, person, session

Role = Literal["owner", "admin", "member"]
ROLES: tuple[Role, ...] = ("owner", "admin", "member")
"""an owner does everything, an admin manages sources and invites members, a member reads"""
Via = Literal["session", "token", "admin"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A person at a site, and by what they were let in. An `operator` runs the installation."""

    user_id: str
    email: str
    site: str
    role: Role
    via: Via
    operator: bool = False

    @property
    def manages(self) -> bool:
        """Whether they manage the site's sources and meters."""
        return self.role in ("owner", "admin")


def presented(table: Table, word: str) -> ColumnElement[bool]:
    """The row of a link, session or API token, found by its digest."""
    return table.c.digest.op("=", is_comparison=True)(digest(word))


def holder(table: Table, where: ColumnElement[bool], *columns: ColumnElement[Any]) -> Select[Any]:
    """The person who holds a session or API token, at its site, else at the first one they belong to."""
    assert table in (session, api_token)
    belongs = or_(table.c.site.is_(None), table.c.site == membership.c.site)
    return (
        select(person.c.id, person.c.email, person.c.is_admin, membership.c.site, membership.c.role, *columns)
        .select_from(table)
        .join(person, person.c.id == table.c.person)
        .join(membership, (membership.c.person == person.c.id) & belongs)
        .where(where)
        .order_by(membership.c.created_at, membership.c.site)
        .limit(1)
    )


def principal(row: Row[Any], via: Via) -> Principal:
    """What a `holder` row says."""
    return Principal(row.id, row.email, row.site, row.role, via, bool(row.is_admin))


async def touch(database: Database, statement: Update) -> None:
    """Note a use, unless the database is busy: nobody waits for a note."""
    with suppress(TryLater, TimeoutError):
        async with asyncio.timeout(1), database.begin() as connection:
            await connection.execute(statement)
