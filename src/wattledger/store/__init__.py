"""The store: payloads in, exact energy out, on SQLite or PostgreSQL. `open_store` is the only way in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.clock import Clock, SystemClock
from wattledger.errors import Misconfigured
from wattledger.store.alerts.alerts import AlertBook
from wattledger.store.alerts.seen import Seen
from wattledger.store.alerts.telling import Telling
from wattledger.store.alerts.ways import Hooks
from wattledger.store.archive.bodies import Bodies, Corrupt
from wattledger.store.archive.erase import Erase
from wattledger.store.archive.jobs import Archive
from wattledger.store.archive.objects import Objects, open_objects
from wattledger.store.archive.payloads import Claims, Payloads
from wattledger.store.archive.reader import Parse, Reader
from wattledger.store.archive.recompute import Recompute
from wattledger.store.archive.replay import Progress, Replay
from wattledger.store.database import Database
from wattledger.store.ledger.bulk import Bulk
from wattledger.store.ledger.digest import digest
from wattledger.store.ledger.energy import Energy
from wattledger.store.meter_claims import MeterClaims
from wattledger.store.migrate import migrate
from wattledger.store.observed.accounts import Accounts
from wattledger.store.observed.observations import Observations
from wattledger.store.people.audit import Audit
from wattledger.store.people.people import People
from wattledger.store.people.sites import Sites
from wattledger.store.rows import Delivered, PayloadRow, ReplayResult, Summary, UsagePointRow
from wattledger.store.sources.connections import Connections
from wattledger.store.sources.listening import Listening
from wattledger.store.sources.vehicles import Vehicles
from wattledger.store.usage_points import UsagePoints

if TYPE_CHECKING:
    from wattledger.secrets import Vault


class Store:
    """The repositories of one database, and what concerns all of it."""

    def __init__(self, database: Database, objects: Objects, parse: Parse, vault: Vault) -> None:
        self.database = database
        self.objects = objects
        self.audit = Audit(database)
        self.bulk = bulk = _bulk(database)
        accounts = Accounts(bulk, vault)
        self.sites = Sites(database, vault, accounts.rebuild_cars)
        self.people = People(database)
        self.meter_claims = MeterClaims(database)
        self.connections = Connections(database, vault)
        self.vehicles = Vehicles(database, accounts.rebuild_cars)
        self.listening = Listening(database, self.connections)
        self.energy = Energy(database)
        self.observations = Observations(database, vault)
        self.bodies = Bodies(database, objects, vault)
        archive = Archive(database, self.bodies)
        reader = Reader(database, archive, bulk, parse, accounts, vault)
        self.recompute = Recompute(database, self.bodies, bulk, parse)
        self._replay = Replay(database, self.bodies, reader, self.audit)
        self.payloads = Payloads(database, self.bodies, archive, reader, self._replay)
        self.erase = Erase(database, self.bodies)
        self.alerts = AlertBook(database)
        self.telling = Telling(database)
        self.hooks = Hooks(database, vault)
        self.seen = Seen(database, vault)
        self.points = UsagePoints(database, self._replay.rezone, self._replay.reassigned)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction. Raises TryLater when the database does not answer."""
        async with self.database.begin() as connection:
            yield connection

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A read transaction. Raises TryLater when the database does not answer."""
        async with self.database.connect() as connection:
            yield connection

    async def ping(self) -> None:
        """Raises TryLater when the database does not answer."""
        await self.database.ping()

    async def close(self) -> None:
        """Close every connection, after what is being received was committed."""
        await self.payloads.drained()
        await self.database.close()

    async def digest(self, site: str | None = None) -> str:
        """One hex word over energy and flags alone (of one site)."""
        return await digest(self.database, site)

    async def replay(self, site: str | None = None, progress: Progress | None = None) -> ReplayResult:
        """Read the archive (of one site) anew with today's parser; the ledger is swapped at once.

        `progress(done, all)` is called after each payload.
        """
        payloads, points = await self._replay.site(site, progress)
        return ReplayResult(payloads, points, await self.digest(site))

    async def replay_points(self, points: set[int]) -> None:
        """Read what was delivered of these usage points (by `n`) anew; their rows are swapped at once."""
        await self._replay.points(points)


def _bulk(database: Database) -> Bulk:
    if database.is_postgres:
        from wattledger.store.ledger.bulk_postgres import PostgresBulk

        return PostgresBulk()
    from wattledger.store.ledger.bulk_sqlite import SqliteBulk

    return SqliteBulk()


def _make_private(path: Path) -> None:
    """Only its owner reads a new database file; SQLite gives its journals the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise Misconfigured(f"The database {path} cannot be opened ({error.strerror}).") from None


async def open_store(
    url: str,
    *,
    data: Path,
    parse: Parse,
    vault: Vault,
    clock: Clock | None = None,
    objects: str | None = None,
) -> Store:
    """Open the database at `url` (sqlite:///path or postgresql://...), bringing its schema up to date.

    Large bodies go to `objects` (a folder or an s3://, gs://, az:// URL), by default to `objects` in `data`.
    Raises Misconfigured for an address that is none, TryLater when the database does not answer.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(url, clock or SystemClock())
    try:
        if database.path is not None:
            _make_private(database.path)
        await migrate(database)
        store = Store(database, open_objects(objects, data), parse, vault)
        await store.sites.default()
    except BaseException:
        await database.close()
        raise
    return store


__all__ = [
    "Claims",
    "Corrupt",
    "Delivered",
    "PayloadRow",
    "ReplayResult",
    "Store",
    "Summary",
    "UsagePointRow",
    "open_store",
]
