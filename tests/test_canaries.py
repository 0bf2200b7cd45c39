"""Secrets go through hub, worker and relay at DEBUG, by every road and into every trouble; none comes out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from httpx2 import AsyncClient

from tests.canaries.evidence import Evidence, Hit
from tests.canaries.road import Road
from tests.canaries.world import Process, World, stored, world

KINDS = 40
"""of secrets at least"""
PLAIN = "a/b+secret"
Walk = Callable[[Road, str], Awaitable[None]]
Record = Callable[[str, object], None]
SETUP = re.compile(r"/setup\?token=(\S+)")


async def whole_run(
    folder: Path, api: str, database: str | None, walk: Walk | None = None, **env: str
) -> Evidence:
    """All that came out of hub, relay, commands and (on PostgreSQL) a worker while somebody walked."""
    evidence = Evidence()
    async with world(folder, api, database, evidence, **env) as found:
        found.meters.drop_history(3)
        hub = Process(found, "serve", "--port", found.base.rpartition(":")[2])
        beside: list[Process] = []
        try:
            setup = SETUP.search(await hub.until("/setup?token="))
            assert setup
            beside = _beside(found) if walk is None else []
            async with AsyncClient(base_url=found.base, trust_env=False, timeout=60) as http:
                await (walk or _everywhere)(Road(found, http), setup[1])
        finally:
            for process in (*beside, hub):
                await process.ended()
        assert hub.process.returncode == 0
        stored(found)
    return evidence


def _beside(found: World) -> list[Process]:
    """A relay with a wrong passphrase; on PostgreSQL a worker, and a hub whose database is away."""
    relay = Process(found, "relay", "run-once", SMT_PGP_PASSPHRASE=found.wrong_passphrase)
    if not found.database:
        return [relay]
    away = f"postgresql://hub:{found.env['DB_PASSWORD']}@127.0.0.1:9/none"
    hub = Process(found, "serve", "--port", "0", DATABASE_URL=away, WATTLEDGER_DATA=f"{found.data}-2")
    return [relay, Process(found, "smt", "token"), hub, Process(found, "work")]


async def _everywhere(road: Road, setup: str) -> None:
    await road.own(setup)
    await asyncio.gather(road.sign_in(), road.machines())
    await road.invite()
    await road.car()
    await road.push()
    await road.units()
    await road.hook()
    assert await Process(road.world, "relay", "run-once").ended(ask=False) == 0
    await road.everything()
    await road.program("POST", "/v1/ev/disconnect")
    road.finish()


async def _shortly(road: Road, setup: str) -> None:
    await road.own(setup)
    await road.machines()
    await road.car()


def told(evidence: Evidence, record: Record) -> None:
    """The figures of a run; nothing came out."""
    hits = evidence.hits()
    record("kinds_of_canaries", len(evidence.names))
    record("canaries", len(evidence.secrets))
    record("places_searched", len({place for place, _ in evidence.seen}))
    record("MiB_searched", round(sum(len(what) for _, what in evidence.seen) / 2**20, 1))
    record("hits", len(hits))
    assert hits == []
    assert len(evidence.names) >= KINDS


async def test_nothing_comes_out_with_sqlite_and_cars_of_v2(tmp_path: Path, record_property: Record) -> None:
    told(await whole_run(tmp_path, "v2", None), record_property)


@pytest.mark.soak
@pytest.mark.postgres
async def test_nothing_comes_out_with_postgres_and_cars_of_v3(
    tmp_path: Path, postgres_url: str, record_property: Record
) -> None:
    told(await whole_run(tmp_path, "v3", postgres_url), record_property)


async def test_sabotage_redaction_and_sealing_is_noticed(tmp_path: Path) -> None:
    off = "off:redaction,off:quiet_libraries,off:seal_positions"
    evidence = await whole_run(tmp_path, "v2", None, _shortly, WATTLEDGER_FAULTS=off)
    hits = evidence.hits()
    log = {hit.name for hit in hits if hit.place == "stderr of serve --port"}
    assert {"ADMIN_TOKEN", "SMARTCAR_CLIENT_SECRET", "an owner's address"} <= log
    assert any(hit.name == "a car's latitude" and hit.place.startswith("table") for hit in hits)


@pytest.mark.parametrize(
    "spelled", ["a/b+secret", "a%2Fb%2Bsecret", "YS9iK3NlY3JldA==", "612f622b736563726574"]
)
def test_a_secret_is_found_in_any_of_its_spellings(spelled: str) -> None:
    evidence = Evidence()
    evidence.hide("one", PLAIN, "GET /own")
    evidence.saw("log", f"x {spelled} y")
    evidence.saw("GET /own", spelled)
    assert evidence.hits() == [Hit("one", "log")]
