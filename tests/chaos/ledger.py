"""What the database says while others write it, read beside them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from tests.chaos.feed import Fate
from tests.chaos.world import World
from wattledger import connectors
from wattledger.keyfile import parse_keys
from wattledger.secrets import Vault
from wattledger.store import Store, open_store

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
    found = _read(world, QUERY)
    return None if found is None else [Row(*row) for row in found]


def _read(world: World, query: LiteralString) -> list[Any] | None:
    try:
        if world.server:
            with psycopg.connect(world.server.url, connect_timeout=5) as connection:
                return connection.execute(query).fetchall()
        path = world.data / "wattledger.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as reading:
            return reading.execute(query).fetchall()
    except (psycopg.Error, sqlite3.Error):
        return None


@dataclass(frozen=True)
class Held:
    """One account."""

    connector: str
    state: str
    error: str | None
    success: object
    """when it was last collected"""


def accounts(world: World) -> list[Held]:
    """All accounts; none where the database does not answer just now."""
    found = _read(world, "SELECT connector, state, last_error, last_success FROM connection")
    return [Held(*row) for row in found or ()]


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[Store]:
    """The hubs' store, in this process."""
    url = world.server.url if world.server else f"sqlite:///{world.data / 'wattledger.db'}"
    vault = Vault(parse_keys(world.keys, "the run"))
    store = await open_store(url, data=world.data, parse=connectors.parse, vault=vault)
    try:
        yield store
    finally:
        await store.close()
