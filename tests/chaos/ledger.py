"""What the database says while others write it, read beside them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass

import psycopg

from tests.chaos.feed import Fate
from tests.chaos.world import World
from wattledger import connectors
from wattledger.secrets import Vault
from wattledger.store import open_store

QUERY = "SELECT sha256, state, kind, reason, attempts FROM payload WHERE source = 'relay'"


@dataclass(frozen=True)
class Row:
    """One payload."""

    sha256: str
    state: str
    kind: str
    reason: str | None
    attempts: int

    @property
    def fate(self) -> Fate:
        return self.state, self.kind, self.reason


def rows(world: World) -> list[Row] | None:
    """All payloads that a relay brought; None where the database does not answer just now."""
    try:
        if world.server:
            with psycopg.connect(world.server.url, connect_timeout=5) as connection:
                return [Row(*row) for row in connection.execute(QUERY)]
        path = world.folder / "hub" / "data" / "wattledger.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as reading:
            return [Row(*row) for row in reading.execute(QUERY)]
    except (psycopg.Error, sqlite3.Error):
        return None


async def digest(world: World) -> str:
    """The ledger's digest, once nobody writes."""
    data = world.folder / "hub" / "data"
    url = world.server.url if world.server else f"sqlite:///{data / 'wattledger.db'}"
    store = await open_store(url, data=data, parse=connectors.parse, vault=Vault({}))
    try:
        return await store.digest()
    finally:
        await store.close()
