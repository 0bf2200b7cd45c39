"""People: who may use which site. How they show who they are: `signin.py` and `api_tokens.py`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.store.database import Database
from wattledger.store.ids import new_id
from wattledger.store.people.api_tokens import ApiTokens
from wattledger.store.people.audit import Audit
from wattledger.store.people.email import normal_email
from wattledger.store.people.invitations import Invitations
from wattledger.store.people.principal import Principal
from wattledger.store.people.sites import Sites
from wattledger.store.tables import membership, person
from wattledger.store.upsert import insert_new

__all__ = ["People", "Principal", "UserRow"]


@dataclass(frozen=True, slots=True)
class UserRow:
    """A person, by mail address. `is_admin`: they operate the installation."""

    id: str
    email: str
    name: str
    is_admin: bool
    created_at: datetime


class People(Invitations, ApiTokens):
    """People and their memberships, invitations, sign-in links, sessions and API tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._audit = Audit(database)
        self._sites = Sites(database)

    async def add_user(self, email: str, by: str = "operator", *, operator: bool = False) -> UserRow:
        """Make a person an owner of the default site, and maybe an operator; twice changes nothing.

        Raises Refused.
        """
        address = normal_email(email)

        async def work(connection: AsyncConnection) -> None:
            await self._add_owner(connection, address, by, operator=operator)

        await self._database.transact(work)
        found = await self.by_email(address)
        assert found is not None
        return found

    async def by_email(self, email: str) -> UserRow | None:
        """The person of that address, None where nobody has it. Raises Refused for a bad address."""
        query = select(person).where(person.c.email == normal_email(email))
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _row(row)

    async def list(self) -> list[UserRow]:
        """Everyone, by address."""
        async with self._database.connect() as connection:
            return [_row(row) for row in await connection.execute(select(person).order_by(person.c.email))]

    async def emails(self, ids: Collection[str]) -> dict[str, str]:
        """The addresses of these people, by id."""
        query = select(person.c.id, person.c.email).where(person.c.id.in_(ids))
        async with self._database.connect() as connection:
            return {row.id: row.email for row in await connection.execute(query)}

    async def setup_needed(self) -> bool:
        """Whether nobody exists yet."""
        async with self._database.connect() as connection:
            return not await connection.scalar(select(func.count()).select_from(person))

    async def _add_owner(
        self, connection: AsyncConnection, address: str, by: str, *, operator: bool = False
    ) -> str:
        site = await self._sites.ensure_default(connection)
        now = self._database.clock.now()
        made = await insert_new(connection, person, {"id": new_id(), "email": address, "created_at": now})
        id = str(await connection.scalar(select(person.c.id).where(person.c.email == address)))
        belongs = {"person": id, "site": site, "role": "owner", "created_at": now}
        if await insert_new(connection, membership, belongs) or made:
            about = {"site": site, "role": "owner"}
            await self._audit.record(connection, by, "person.added", f"person:{id}", about, site)
        if operator:
            await connection.execute(update(person).where(person.c.id == id).values(is_admin=1))
            await self._audit.record(connection, by, "person.operator", f"person:{id}")
        return id


def _row(row: Row[Any]) -> UserRow:
    return UserRow(row.id, row.email, row.name, bool(row.is_admin), row.created_at)
