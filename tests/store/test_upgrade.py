"""A database of the version before keeps every row when it is brought up to date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from tests.store.fake import parse

from wattledger import localday
from wattledger.model import Flow
from wattledger.secrets import Vault
from wattledger.store import migrations, open_store
from wattledger.store.database import Database

VERSIONS = ("0001", "0002")
ROWS = (
    "INSERT INTO site VALUES ('s', 'Home', 'America/Chicago', '2025-01-01 00:00:00.000000')",
    "INSERT INTO connection (id, site, connector, options, state, failures, token_generation, created_at)"
    " VALUES ('c', 's', 'toy', '{}', 'ok', 0, 3, '2025-01-01 00:00:00.000000')",
    "INSERT INTO usage_point (n, id, site, connector, kind, external_id, name, timezone, details, created_at)"
    " VALUES (1, 'p', 's', 'toy', 'meter', 'e', 'Meter', 'UTC', '{}', '2025-01-01 00:00:00.000000'),"
    " (2, 'q', 's', 'toy', 'meter', 'f', 'Meter', 'America/Chicago', '{}', '2025-01-01 00:00:00.000000')",
    "INSERT INTO body (sha256, codec, size, stored) VALUES ('b', 'none', 1, 1)",
    "INSERT INTO payload (id, site, connector, source, mime, sha256, size, received_at, headers, wrapped_in,"
    " state, kind, attempts, summary) VALUES (7, 's', 'toy', 'poll', 'x', 'b', 1,"
    " '2025-01-01 00:00:00.000000', '{}', '[]', 'read', 'status', 1, '{}')",
    'INSERT INTO observation (usage_point, at, payload, "values")'
    " VALUES (1, '2025-01-01 00:00:00.000000', 7, '{\"soc_pct\": 80}'),"
    " (2, '2025-01-01 05:59:00.000000', 7, '{}')",
)
SINCE_0002 = (
    "INSERT INTO person (id, email, created_at) VALUES ('h', 'a@b.c', '2025-01-01 00:00:00.000000')",
    "INSERT INTO login_link (digest, person, purpose, created_at)"
    " VALUES ('d', 'h', 'sign-in', '2025-01-01 00:00:00.000000')",
    "INSERT INTO point_state (usage_point, payload, latest) VALUES (1, 7,"
    ' \'{"soc_pct": [80, "2025-01-01T00:00:00+00:00", 7]}\')',
)


def _older(connection: Connection, version: str, rows: bool) -> None:
    command.upgrade(_config(connection), version)
    for statement in (*ROWS, *(SINCE_0002 if version != "0001" else ())) if rows else ():
        connection.execute(text(statement.replace(":", r"\:")))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


async def bring_back(url: str, version: str, rows: bool = True) -> None:
    """Make an empty database one of an earlier version, with a few rows."""
    database = Database(url)
    async with database.begin() as connection:
        await connection.run_sync(_older, version, rows)
    await database.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_old_rows_survive(empty_url: str, tmp_path: Path, version: str) -> None:
    await bring_back(empty_url, version)
    store = await open_store(empty_url, data=tmp_path, parse=parse, vault=Vault({}))
    try:
        (row,) = await store.connections.list("s")
        assert (row.id, row.state, row.last_asked) == ("c", "ok", None)
        point = await store.points.get("p")
        (seen,) = await store.observations.list(point, row.created_at, row.created_at.replace(year=2026))
        assert (seen.values, seen.payload, seen.verdict) == ({"soc_pct": 80}, 7, None)
        assert (await store.energy.coverage(point, Flow.DELIVERED)).total_wh == 0
        async with store.connect() as connection:
            days = (
                await connection.execute(text("SELECT usage_point, day FROM observation ORDER BY 1"))
            ).all()
            assert days == [(1, localday.number(date(2025, 1, 1))), (2, localday.number(date(2024, 12, 31)))]
            for view in ("ac_monitoring", "vehicle_accounts", "vehicle_telemetry"):
                assert (await connection.execute(text(f"SELECT * FROM {view}"))).all() == []
        if version == "0002":
            assert (await store.observations.latest([point]))[point.n]["soc_pct"].value == 80
            assert store.observations.open(seen) == {} and await store.sites.home("s") is None
            assert [person.email for person in await store.people.list()] == ["a@b.c"]
    finally:
        await store.close()


async def test_the_newest_version_can_be_taken_back(empty_url: str, tmp_path: Path) -> None:
    await bring_back(empty_url, "0002")
    await (await open_store(empty_url, data=tmp_path, parse=parse, vault=Vault({}))).close()
    database = Database(empty_url)
    async with database.begin() as connection:
        await connection.run_sync(lambda c: command.downgrade(_config(c), "0002"))
        assert (await connection.execute(text("SELECT digest, person FROM login_link"))).all() == [("d", "h")]
    await database.close()
    await (await open_store(empty_url, data=tmp_path, parse=parse, vault=Vault({}))).close()
