"""Invitations: by mail address, with a role, good once and for seven days. Only digests are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select
from sqlalchemy import update as change

from wattledger.clock import token
from wattledger.errors import NotFound, Refused
from wattledger.secrets import digest
from wattledger.store.ids import new_id
from wattledger.store.people.email import normal_email
from wattledger.store.people.members import Members, known_role
from wattledger.store.people.principal import Role, presented
from wattledger.store.people.signin import SignIn, use_up
from wattledger.store.tables import login_link, membership, person
from wattledger.store.tables import site as sites
from wattledger.store.upsert import insert_new

LIFE = timedelta(days=7)
INVITATION = "invitation"
_ID = 32
"""digits of the digest by which a pending invitation is named; they open nothing"""


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation that nobody has accepted yet."""

    id: str
    site: str
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


class Invitations(SignIn, Members):
    """Part of People."""

    async def invite(self, site: str, email: str, role: str, by: str) -> str:
        """The word of an invitation; an earlier one for the same address is void.

        Raises NotFound for no such site; Refused for a bad address or role, or for someone who is here.
        """
        address, wanted = normal_email(email), known_role(role)
        word, now = token(), self._database.clock.now()
        values: dict[str, Any] = {"digest": digest(word), "purpose": INVITATION, "site": site, "role": wanted}
        values |= {"email": address, "created_at": now, "expires_at": now + LIFE}
        async with self._database.begin() as connection:
            if await connection.scalar(select(sites.c.id).where(sites.c.id == site)) is None:
                raise NotFound("There is no such site.")
            here = select(person.c.id).join(membership, membership.c.person == person.c.id)
            here = here.where(person.c.email == address, membership.c.site == site)
            if await connection.scalar(here) is not None:
                raise Refused("This person belongs to this site already.", "ALREADY_HERE", "email", 409)
            earlier = _pending(now, site) & (login_link.c.email == address)
            await connection.execute(delete(login_link).where(earlier))
            await connection.execute(insert(login_link).values(values))
            await self._audit.record(
                connection, by, "invitation.made", f"invitation:{digest(word)[:_ID]}",
                {"email": address, "role": wanted}, site,
            )  # fmt: skip
        return word

    async def invitations(self, site: str, now: datetime) -> list[InvitationRow]:
        """Those that wait for an answer, newest first."""
        query = select(login_link).where(_pending(now, site)).order_by(login_link.c.created_at.desc())
        async with self._database.connect() as connection:
            return [_row(row) for row in await connection.execute(query)]

    async def invitation(self, word: str, now: datetime) -> InvitationRow | None:
        """What a link invites to; None for one that is used, old, void or none of ours."""
        query = select(login_link).where(presented(login_link, word), _pending(now))
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _row(row)

    async def revoke_invitation(
        self, id: str, site: str, by: str, now: datetime, over: tuple[str, ...] | None = None
    ) -> None:
        """Void a pending invitation (to one of the roles `over`). Raises NotFound."""
        mine = _pending(now, site) & (func.substr(login_link.c.digest, 1, _ID) == id)
        if over is not None:
            mine &= login_link.c.role.in_(over)
        async with self._database.begin() as connection:
            void = delete(login_link).where(mine).returning(login_link.c.email)
            row = (await connection.execute(void)).one_or_none()
            if row is None:
                raise NotFound("There is no such invitation.")
            await self._audit.record(
                connection, by, "invitation.revoked", f"invitation:{id}", {"email": row.email}, site
            )

    async def accept(self, word: str, now: datetime) -> str | None:
        """Make the invited person a member and sign them in. Returns the session's word.

        None for a spent link. Whoever belongs to the site by now keeps the role they have.
        """
        async with self._database.begin() as connection:
            row = await use_up(connection, word, INVITATION, login_link.c.expires_at > now, now)
            if row is None:
                return None
            await insert_new(connection, person, {"id": new_id(), "email": row.email, "created_at": now})
            who = str(await connection.scalar(select(person.c.id).where(person.c.email == row.email)))
            belongs = {"person": who, "site": row.site, "role": row.role, "created_at": now}
            await insert_new(connection, membership, belongs)
            await connection.execute(change(login_link).where(presented(login_link, word)).values(person=who))
            subject = f"invitation:{row.digest[:_ID]}"
            await self._audit.record(
                connection, f"person {who}", "invitation.accepted", subject, {"role": row.role}, row.site
            )
            return await self._open(connection, who, now, row.site)


def _pending(now: datetime, site: str | None = None) -> ColumnElement[bool]:
    pending = (
        (login_link.c.purpose == INVITATION)
        & login_link.c.used_at.is_(None)
        & (login_link.c.expires_at > now)
    )
    return pending if site is None else pending & (login_link.c.site == site)


def _row(row: Row[Any]) -> InvitationRow:
    return InvitationRow(row.digest[:_ID], row.site, row.email, row.role, row.created_at, row.expires_at)
