"""Invitations: by mail address, with a role, good once and for seven days. Only digests are stored.

One that goes by mail is marked until a server took the mail, so that a process that dies loses none.
"""

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
INVITATION, UNSENT = "invitation", "invitation, not mailed yet"
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
    mailed: bool = True
    """False while its mail is yet to go out"""


class Invitations(SignIn, Members):
    """Part of People."""

    async def invite(self, site: str, email: str, role: str, by: str, *, by_mail: bool = False) -> str:
        """The word of an invitation; an earlier one for the same address is void.

        With `by_mail` it counts as unsent until `mailed` says otherwise.
        Raises NotFound for no such site; Refused for a bad address or role, or for someone who is here.
        """
        address, wanted = normal_email(email), known_role(role)
        word, now = token(), self._database.clock.now()
        purpose = UNSENT if by_mail else INVITATION
        values: dict[str, Any] = {"digest": digest(word), "purpose": purpose, "site": site, "role": wanted}
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

    async def mailed(self, word: str) -> None:
        """Note that a mail server took it; its seven days begin."""
        now = self._database.clock.now()
        mine = presented(login_link, word) & (login_link.c.purpose == UNSENT)
        async with self._database.begin() as connection:
            sent = {"purpose": INVITATION, "expires_at": now + LIFE}
            await connection.execute(change(login_link).where(mine).values(sent))

    async def unsent(self, before: datetime) -> list[InvitationRow]:
        """Those made before then whose mail is yet to go out, of all sites; the oldest first."""
        mine = _pending(self._database.clock.now()) & (login_link.c.purpose == UNSENT)
        query = select(login_link).where(mine, login_link.c.created_at < before)
        async with self._database.connect() as connection:
            return [_row(row) for row in await connection.execute(query.order_by(login_link.c.created_at))]

    async def new_word(self, id: str) -> str | None:
        """Another word for an unsent invitation, whose old one is void; None where there is none any more."""
        word = token()
        mine = (login_link.c.purpose == UNSENT) & (func.substr(login_link.c.digest, 1, _ID) == id)
        renewed = change(login_link).where(mine, login_link.c.used_at.is_(None))
        async with self._database.begin() as connection:
            done: Any = await connection.execute(renewed.values(digest=digest(word)))
        return word if done.rowcount else None

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
            row = await use_up(connection, word, (INVITATION, UNSENT), login_link.c.expires_at > now, now)
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
        login_link.c.purpose.in_((INVITATION, UNSENT))
        & login_link.c.used_at.is_(None)
        & (login_link.c.expires_at > now)
    )
    return pending if site is None else pending & (login_link.c.site == site)


def _row(row: Row[Any]) -> InvitationRow:
    id, mailed = row.digest[:_ID], row.purpose == INVITATION
    return InvitationRow(id, row.site, row.email, row.role, row.created_at, row.expires_at, mailed)
