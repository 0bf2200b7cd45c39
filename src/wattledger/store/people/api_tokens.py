"""Personal API tokens: named, stored as digests, revocable one by one. Some are good for one feed alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, or_, select, update

from wattledger.clock import token
from wattledger.errors import NotFound, Refused
from wattledger.faults import sabotaged
from wattledger.secrets import digest
from wattledger.store.database import Database
from wattledger.store.ids import new_id
from wattledger.store.people.audit import Audit
from wattledger.store.people.email import normal_email
from wattledger.store.people.principal import Principal, holder, presented, principal, touch
from wattledger.store.tables import api_token, membership, person

PREFIX = "wl_"
"""lets people and secret scanners tell what they found"""
FEED = "wlf_"
"""begins those of feeds, which stand in addresses"""
USED_EVERY = timedelta(hours=1)
"""how exactly the last use of a token is known"""
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class ApiTokenRow:
    """A token as its owner may see it: everything but the token."""

    id: str
    person: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    site: str | None = None


class ApiTokens:
    """Tokens of people; part of People."""

    _database: Database
    _audit: Audit

    async def api_token(
        self,
        email: str,
        name: str,
        site: str | None = None,
        by: str | None = None,
        purpose: str | None = None,
    ) -> str:
        """A new token for a person at a site of theirs (the first by default), shown this once.

        With a `purpose` it is good for that alone. Raises NotFound, Refused for a bad name or address.
        """
        word, id, now = (FEED if purpose else PREFIX) + token(), new_id(), self._database.clock.now()
        who = select(person.c.id, membership.c.site).join(membership, membership.c.person == person.c.id)
        mine = who.where(person.c.email == normal_email(email)).order_by(membership.c.created_at).limit(1)
        if site is not None:
            mine = mine.where(membership.c.site == site)
        async with self._database.begin() as connection:
            row = (await connection.execute(mine)).one_or_none()
            if row is None:
                raise NotFound("Nobody here has that address.")
            values = {"id": id, "digest": digest(word), "name": _name(name), "created_at": now}
            whose = {"person": row.id, "site": row.site, "purpose": purpose}
            await connection.execute(insert(api_token).values(**values, **whose))
            actor, subject = by or f"person {row.id}", f"api_token:{id}"
            await self._audit.record(connection, actor, "api_token.made", subject, site=row.site)
        return word

    async def principal_for_api_token(
        self, word: str, now: datetime, purpose: str | None = None
    ) -> Principal | None:
        """Who holds a token of that purpose; None once it is revoked or over."""
        unended = or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > now)
        alive = api_token.c.revoked_at.is_(None) & unended
        if not sabotaged("feed_purpose"):
            alive &= api_token.c.purpose.is_not_distinct_from(purpose)
        mine = presented(api_token, word)
        async with self._database.connect() as connection:
            query = holder(api_token, mine & alive, api_token.c.last_used_at)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        if row.last_used_at is None or now - row.last_used_at >= USED_EVERY:
            await touch(self._database, update(api_token).where(mine).values(last_used_at=now))
        return principal(row, "token")

    async def api_tokens(self, user_id: str, site: str | None = None) -> list[ApiTokenRow]:
        """A person's tokens (at one site), newest first, revoked ones included."""
        query = select(api_token).where(api_token.c.person == user_id).order_by(api_token.c.created_at.desc())
        if site is not None:
            query = query.where(api_token.c.site == site)
        async with self._database.connect() as connection:
            return [_row(row) for row in await connection.execute(query)]

    async def revoke_api_token(self, id: str, user_id: str, now: datetime, site: str | None = None) -> None:
        """End a person's token (at one site) at once. Raises NotFound where they have no such token alive."""
        mine = (api_token.c.id == id) & (api_token.c.person == user_id) & api_token.c.revoked_at.is_(None)
        if site is not None:
            mine &= api_token.c.site == site
        ended = update(api_token).where(mine).values(revoked_at=now).returning(api_token.c.site)
        async with self._database.begin() as connection:
            row = (await connection.execute(ended)).one_or_none()
            if row is None:
                raise NotFound("There is no such API token.")
            await self._audit.record(
                connection, f"person {user_id}", "api_token.revoked", f"api_token:{id}", site=row.site
            )


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise Refused(
            f"A token's name has 1 to {LONGEST_NAME} printable characters.", "BAD_NAME", "name", 422
        )
    return name


def _row(row: Row[Any]) -> ApiTokenRow:
    return ApiTokenRow(
        row.id, row.person, row.name, row.created_at, row.last_used_at, row.expires_at, row.revoked_at,
        row.site,
    )  # fmt: skip
