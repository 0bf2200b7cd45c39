"""Members of a site: who they are, what they may do, and how they go."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import NotFound, Refused
from wattledger.faults import sabotaged
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.people.principal import ROLES, Role
from wattledger.store.tables import api_token, login_link, membership, person, session

VENDOR_SIGN_IN = "vendor sign-in"


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A person at a site. `used_at`: when they last went there."""

    id: str
    email: str
    role: Role
    since: datetime
    used_at: datetime | None


class Members:
    """Memberships; part of People."""

    _database: Database
    _audit: Audit

    async def members(self, site: str) -> list[MemberRow]:
        """Everyone of a site, by address."""
        query = select(person.c.id, person.c.email, membership).join_from(person, membership)
        query = query.where(membership.c.site == site).order_by(person.c.email)
        async with self._database.connect() as connection:
            rows = await connection.execute(query)
            return [MemberRow(r.id, r.email, r.role, r.created_at, r.used_at) for r in rows]

    async def member(self, id: str, site: str) -> MemberRow:
        """One of a site's people. Raises NotFound, also for somebody of another site."""
        for row in await self.members(site):
            if row.id == id:
                return row
        raise nobody()

    async def set_role(self, id: str, site: str, role: str, by: str) -> MemberRow:
        """Give a member another role. Raises NotFound; Refused for no role, or for the last owner."""
        wanted = known_role(role)

        async def work(connection: AsyncConnection) -> None:
            old = await _role(connection, id, site)
            if old == "owner" and wanted != "owner":
                await _keep_an_owner(connection, site)
            theirs = (membership.c.person == id) & (membership.c.site == site)
            await connection.execute(update(membership).where(theirs).values(role=wanted))
            about = {"from": old, "to": wanted}
            await self._audit.record(connection, by, "member.role", f"person:{id}", about, site=site)

        await self._database.transact(work)
        return await self.member(id, site)

    async def remove_member(self, id: str, site: str, by: str, over: Collection[str] = ROLES) -> None:
        """Take a person out of a site: their sessions and tokens there end at once.

        Raises NotFound; Refused for the last owner, or for a role that is not among `over`.
        """

        async def work(connection: AsyncConnection) -> None:
            role = await _role(connection, id, site)
            if role not in over:
                raise not_over(role)
            if role == "owner":
                await _keep_an_owner(connection, site)
            await self._take_out(connection, id, site)
            await self._audit.record(connection, by, "member.removed", f"person:{id}", {"role": role}, site)

        await self._database.transact(work)

    async def _take_out(self, connection: AsyncConnection, id: str, site: str) -> None:
        now = self._database.clock.now()
        theirs = (membership.c.person == id) & (membership.c.site == site)
        await connection.execute(delete(membership).where(theirs))
        here = or_(session.c.site == site, session.c.site.is_(None))
        await connection.execute(delete(session).where(session.c.person == id, here))
        alive = (api_token.c.person == id) & (api_token.c.site == site) & api_token.c.revoked_at.is_(None)
        await connection.execute(update(api_token).where(alive).values(revoked_at=now))
        begun = (login_link.c.person == id) & (login_link.c.purpose == VENDOR_SIGN_IN)
        await connection.execute(update(login_link).where(begun).values(used_at=now))


def nobody() -> NotFound:
    """What is said of a person who is not of this site."""
    return NotFound("There is no such person here.")


def not_over(role: str) -> Refused:
    """What is said to an admin who would act on someone above a member."""
    return Refused(f"Only an owner may do that to an {role}.", "OWNERS_ONLY", status=403)


def known_role(role: str) -> Role:
    """One of the three. Raises Refused."""
    for known in ROLES:
        if role == known:
            return known
    raise Refused(f"A role is one of {', '.join(ROLES)}.", "BAD_ROLE", "role", 422)


async def _role(connection: AsyncConnection, id: str, site: str) -> str:
    query = select(membership.c.role).where(membership.c.person == id, membership.c.site == site)
    role: str | None = await connection.scalar(query.with_for_update())
    if role is None:
        raise nobody()
    return role


async def _keep_an_owner(connection: AsyncConnection, site: str) -> None:
    owners = select(membership.c.person).where(membership.c.site == site, membership.c.role == "owner")
    held = (await connection.scalars(owners.order_by(membership.c.person).with_for_update())).all()
    if len(held) < 2 and not sabotaged("last_owner"):
        raise Refused(
            "This is the site's last owner; make somebody else an owner first.", "LAST_OWNER", status=409
        )
