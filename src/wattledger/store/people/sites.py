"""Sites: places with a timezone. One exists from the start; a small installation never needs another."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger import localday
from wattledger.errors import NotFound, Refused
from wattledger.secrets import Vault
from wattledger.store.database import Database
from wattledger.store.ids import new_id
from wattledger.store.people.audit import Audit
from wattledger.store.people.principal import Role
from wattledger.store.tables import membership, site, usage_point
from wattledger.store.upsert import insert_new

DEFAULT_SITE = "00000000000000000000000000000001"
DEFAULT_NAME = "Home"
DEFAULT_ZONE = "America/Chicago"
LONGEST_NAME = 200
Rebuild = Callable[[AsyncConnection, ColumnElement[bool]], Awaitable[None]]
"""recomputes the energy of vehicles, chosen by columns of `usage_point`, within a transaction"""
RADIUS = (20.0, 5000.0)
"""metres within which charging counts as at home: least and most"""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a site is: degrees north and east, and the metres around that still are home."""

    latitude: float
    longitude: float
    radius_m: float = 150.0


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A place; `timezone` is an IANA name."""

    id: str
    name: str
    timezone: str
    created_at: datetime
    choices: Mapping[str, Any] = field(default_factory=dict)
    """its owner's: `price`"""


class Sites:
    """The table of sites. Without a vault, homes can neither be read nor set."""

    def __init__(
        self, database: Database, vault: Vault | None = None, rebuild: Rebuild | None = None
    ) -> None:
        self._database = database
        self._rebuild = rebuild
        self._vault = vault or Vault({})
        self._audit = Audit(database)

    async def default(self) -> SiteRow:
        """The site that every installation has; made when it is first asked for."""
        try:
            return await self.get(DEFAULT_SITE)
        except NotFound:
            await self._database.transact(self.ensure_default)
            return await self.get(DEFAULT_SITE)

    async def ensure_default(self, connection: AsyncConnection) -> str:
        """Make the default site within a transaction where it is missing. Returns its id."""
        values = {"id": DEFAULT_SITE, "name": DEFAULT_NAME, "timezone": DEFAULT_ZONE}
        await insert_new(connection, site, {**values, "created_at": self._database.clock.now()})
        return DEFAULT_SITE

    async def list(self) -> list[SiteRow]:
        """All sites, oldest first."""
        async with self._database.connect() as connection:
            rows = await connection.execute(select(site).order_by(site.c.created_at, site.c.id))
            return [_row(row) for row in rows]

    async def get(self, id: str) -> SiteRow:
        """One site. Raises NotFound."""
        async with self._database.connect() as connection:
            row = (await connection.execute(select(site).where(site.c.id == id))).one_or_none()
        if row is None:
            raise NotFound("There is no such site.")
        return _row(row)

    async def add(self, name: str, timezone: str, owner: str | None, by: str) -> SiteRow:
        """A new site, owned by a person (by id) where one is given. Raises Refused for a bad name or zone."""
        id, now = new_id(), self._database.clock.now()
        values = {"id": id, "name": _name(name), "timezone": localday.zone(timezone).key, "created_at": now}
        async with self._database.begin() as connection:
            await connection.execute(insert(site).values(values))
            if owner is not None:
                belongs = {"person": owner, "site": id, "role": "owner", "created_at": now}
                await connection.execute(insert(membership).values(belongs))
            about = {"name": values["name"], "owner": owner}
            await self._audit.record(connection, by, "site.made", f"site:{id}", about, site=id)
        return await self.get(id)

    async def of(self, person: str) -> Sequence[tuple[SiteRow, Role]]:
        """The sites of a person with their role there, oldest first."""
        query = select(site, membership.c.role).join(membership, membership.c.site == site.c.id)
        query = query.where(membership.c.person == person).order_by(site.c.created_at, site.c.id)
        async with self._database.connect() as connection:
            return [(_row(row), row.role) for row in await connection.execute(query)]

    async def named(self, word: str) -> SiteRow:
        """The site with that id or, where only one has it, that name. Raises NotFound."""
        found = [row for row in await self.list() if word in (row.id, row.name)]
        if len(found) != 1:
            raise NotFound(f"There is no site {word!r}." if not found else f"Several sites are {word!r}.")
        return found[0]

    async def update(
        self, id: str, *, name: str | None = None, timezone: str | None = None, by: str = "operator"
    ) -> SiteRow:
        """Rename a site or move it to another zone. Raises NotFound; Refused for a bad name or zone."""
        changes = {}
        if name is not None:
            changes["name"] = _name(name)
        if timezone is not None:
            changes["timezone"] = localday.zone(timezone).key
        if changes:
            async with self._database.begin() as connection:
                await connection.execute(update(site).where(site.c.id == id).values(changes))
                await self._audit.record(connection, by, "site.changed", f"site:{id}", changes, site=id)
        return await self.get(id)

    async def choose(self, id: str, by: str, **choices: Any) -> SiteRow:
        """Keep what an owner chose; None takes a choice back. Raises NotFound."""
        async with self._database.begin() as connection:
            query = select(site.c.choices).where(site.c.id == id).with_for_update()
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                raise NotFound("There is no such site.")
            kept = {name: value for name, value in {**row.choices, **choices}.items() if value is not None}
            await connection.execute(update(site).where(site.c.id == id).values(choices=kept))
            await self._audit.record(
                connection, by, "site.chosen", f"site:{id}", {"names": sorted(choices)}, id
            )
        return await self.get(id)

    async def home(self, id: str) -> Home | None:
        """Where a site is, None where nobody said. Raises NotFound, SecretUnreadable."""
        async with self._database.connect() as connection:
            row = (await connection.execute(select(site.c.home).where(site.c.id == id))).one_or_none()
        if row is None:
            raise NotFound("There is no such site.")
        return home_of(self._vault, id, row.home)

    async def set_home(self, id: str, home: Home | None, by: str = "operator") -> None:
        """Keep where a site is, sealed; None forgets it. What its cars charged at home is found anew.

        Raises NotFound; Refused for a place that is none; Misconfigured without a sealing key.
        """
        sealed = None
        if home is not None:
            _check(home)
            sealed = self._vault.seal(json.dumps(asdict(home)).encode(), **_cell(id))
        async with self._database.begin() as connection:
            done = await connection.execute(update(site).where(site.c.id == id).values(home=sealed))
            if not done.rowcount:
                raise NotFound("There is no such site.")
            action = "site.home_forgotten" if home is None else "site.home_set"
            await self._audit.record(connection, by, action, f"site:{id}", site=id)
            if self._rebuild is not None:
                await self._rebuild(connection, usage_point.c.site == id)


def home_of(vault: Vault, id: str, sealed: str | None) -> Home | None:
    """The home of a site as it is kept. Raises SecretUnreadable."""
    return None if sealed is None else Home(**json.loads(vault.open(sealed, **_cell(id))))


def _cell(id: str) -> dict[str, str]:
    return {"table": "site", "row": id, "column": "home"}


def _check(home: Home) -> None:
    """Comparisons that refuse NaN too."""
    if not (-90 <= home.latitude <= 90 and -180 <= home.longitude <= 180):
        sentence = "A place has a latitude of -90 to 90 and a longitude of -180 to 180 degrees."
        raise Refused(sentence, "BAD_PLACE", "latitude", 422)
    if not RADIUS[0] <= home.radius_m <= RADIUS[1]:
        sentence = f"The radius of a home is {RADIUS[0]:.0f} to {RADIUS[1]:.0f} metres."
        raise Refused(sentence, "BAD_RADIUS", "radius_m", 422)


def _row(row: Row[Any]) -> SiteRow:
    return SiteRow(row.id, row.name, row.timezone, row.created_at, dict(row.choices))


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise Refused(f"A name has 1 to {LONGEST_NAME} printable characters.", "BAD_NAME", "name", 422)
    return name
