"""What is nobody else's business is sealed at rest: positions of observations, and bodies that hold them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from tests.store.fake import RECEIVED, StillClock, file, parse

from wattledger.errors import Misconfigured
from wattledger.faults import sabotage
from wattledger.model import Payload, Source
from wattledger.secrets import SecretUnreadable, Vault
from wattledger.store import Store, UsagePointRow, open_store
from wattledger.store.archive.backup import backup, restore
from wattledger.store.archive.scrub import scrub
from wattledger.store.tables import body, observation

KEYS = {"new": b"n" * 32, "old": b"o" * 32}
CAR, LATITUDE, LONGITUDE = "car-1", 30.267153, -97.743061
PLACE = {"latitude": LATITUDE, "longitude": LONGITUDE}
AT = "2025-05-31T07:00:00+00:00"


def said(at: str = AT, place: dict[str, float] | None = None, more: str = "", **values: Any) -> Payload:
    one = {"at": at, "values": values or {"soc_pct": 80}, "private": PLACE if place is None else place}
    return file(
        points=[CAR],
        source=Source.POLL,
        private=True,
        kind="vehicle",
        observations=[one],
        more=more,
    )


@pytest.fixture
async def store(database_url: str, tmp_path: Path, clock: StillClock) -> AsyncIterator[Store]:
    opened = await opened_with(KEYS, database_url, tmp_path, clock)
    yield opened
    await opened.close()


async def opened_with(keys: dict[str, bytes], url: str, folder: Path, clock: StillClock) -> Store:
    return await open_store(url, data=folder, parse=parse, vault=Vault(keys), clock=clock)


async def car(store: Store) -> UsagePointRow:
    return await store.points.by_external(CAR)


async def everything(store: Store) -> str:
    """All that is stored of observations, states and bodies, as text."""
    async with store.connect() as connection:
        rows = [
            *(await connection.execute(text("SELECT * FROM observation"))).all(),
            *(await connection.execute(text("SELECT * FROM point_state"))).all(),
            *(await connection.execute(text("SELECT * FROM payload"))).all(),
            *(await connection.execute(select(body.c.data))).all(),
        ]
    return repr([tuple(row) for row in rows])


def shows_the_place(stored: str) -> bool:
    return "30.26" in stored or "97.74" in stored or "latitude" in stored


async def test_a_place_is_sealed_and_opens_in_its_row_alone(store: Store, site: str) -> None:
    await store.payloads.deliver(site, said())
    await store.payloads.deliver(site, said("2025-05-31T08:00:00+00:00", {"latitude": 1.0, "longitude": 2.0}))
    point = await car(store)
    first, second = await store.observations.list(point, RECEIVED.replace(year=2024), RECEIVED)
    assert first.values == {"soc_pct": 80}
    assert store.observations.open(first) == PLACE
    place = await store.observations.position(point)
    assert place is not None and (place.latitude, place.longitude, place.at) == (1.0, 2.0, second.at)
    assert "latitude" not in (await store.observations.latest([point]))[point.n]
    with pytest.raises(SecretUnreadable):
        store.observations.open(replace(first, sealed=second.sealed))
    assert not shows_the_place(await everything(store))


async def test_sabotage_seal_positions_is_noticed(store: Store, site: str) -> None:
    with sabotage("seal_positions"):
        await store.payloads.deliver(site, said())
    assert shows_the_place(await everything(store))


async def test_nothing_private_has_nothing_sealed(store: Store, site: str) -> None:
    await store.payloads.deliver(site, said(place={}))
    point = await car(store)
    (row,) = await store.observations.list(point, RECEIVED.replace(year=2024), RECEIVED)
    assert row.sealed is None and store.observations.open(row) == {}
    assert await store.observations.position(point) is None
    await store.payloads.deliver(site, said("2025-05-31T10:00:00+00:00", {"latitude": 1.0}))
    assert await store.observations.position(point) is None


async def test_an_identical_repeat_is_stored_once_and_another_place_is_news(store: Store, site: str) -> None:
    moved = {"latitude": LATITUDE, "longitude": 1.5}
    for payload in (said(), said(more="again"), said(place=moved), said(place={}), said(place=moved)):
        await store.payloads.deliver(site, payload)
    rows = await store.observations.list(await car(store), RECEIVED.replace(year=2024), RECEIVED)
    assert [store.observations.open(row) for row in rows] == [PLACE, moved]


async def test_a_replay_carries_places_and_bodies_stay_private(store: Store, site: str) -> None:
    done = await store.payloads.deliver(site, said())
    before = await store.digest()
    assert (await store.replay(site)).digest == before
    place = await store.observations.position(await car(store))
    assert place is not None and place.latitude == LATITUDE
    assert await store.bodies.fetch(done.sha256) == (said().body, True)
    assert (await store.payloads.reread(done.id)).state == "read"
    assert not shows_the_place(await everything(store))


async def test_a_large_body_is_sealed_in_the_object_store(store: Store, site: str, tmp_path: Path) -> None:
    import random

    noise = random.Random(2).randbytes(600_000).hex()
    payload = said(more=noise)
    done = await store.payloads.deliver(site, payload)
    (kept,) = (path for path in (tmp_path / "objects").rglob("*") if path.is_file())
    assert kept.read_bytes().startswith(b"v1|new|")
    assert await store.payloads.body(done.id) == payload.body


async def test_content_that_turns_out_private_is_sealed_from_then_on(store: Store, site: str) -> None:
    payload = said()
    await store.payloads.deliver(site, replace(payload, private=False))
    assert not (await store.bodies.fetch(payload.sha256))[1]
    await store.payloads.deliver(site, payload)
    assert await store.bodies.fetch(payload.sha256) == (payload.body, True)
    await store.payloads.deliver(site, replace(payload, private=False))
    assert (await store.bodies.fetch(payload.sha256))[1]


async def test_without_a_key_nothing_private_is_archived(
    database_url: str, tmp_path: Path, clock: StillClock
) -> None:
    store = await opened_with({}, database_url, tmp_path, clock)
    site = (await store.sites.default()).id
    with pytest.raises(Misconfigured):
        await store.payloads.deliver(site, said())
    assert await store.payloads.list(site) == []
    await store.close()


async def test_a_missing_key_hides_its_rows_and_nothing_else(
    store: Store, site: str, database_url: str, tmp_path: Path, clock: StillClock
) -> None:
    old = await opened_with({"old": KEYS["old"]}, database_url, tmp_path, clock)
    hidden = await old.payloads.deliver(site, said())
    await old.close()
    keyless = await opened_with({"new": KEYS["new"]}, database_url, tmp_path, clock)
    later = said("2025-05-31T09:00:00+00:00", {"latitude": 3.0, "longitude": 4.0})
    seen = await keyless.payloads.deliver(site, later)
    with pytest.raises(SecretUnreadable, match="old"):
        await keyless.payloads.body(hidden.id)
    assert await keyless.payloads.body(seen.id) == later.body
    await keyless.replay(site)
    rows = await keyless.observations.list(await car(keyless), RECEIVED.replace(year=2024), RECEIVED)
    assert [row.payload for row in rows] == [hidden.id, seen.id]
    with pytest.raises(SecretUnreadable, match="old"):
        keyless.observations.open(rows[0])
    assert keyless.observations.open(rows[1]) == {"latitude": 3.0, "longitude": 4.0}
    assert len((await scrub(keyless)).problems) == 1
    await keyless.close()
    assert store.observations.open(rows[0]) == PLACE
    assert (await store.payloads.get(hidden.id)).state == "read"


async def test_a_waiting_body_without_its_key_is_set_aside_with_the_reason(
    store: Store, site: str, database_url: str, tmp_path: Path, clock: StillClock
) -> None:
    old = await opened_with({"old": KEYS["old"]}, database_url, tmp_path, clock)
    await old.payloads.deliver(site, said())
    async with old.begin() as connection:
        await connection.execute(text("UPDATE payload SET state = 'stored'"))
        await connection.execute(observation.delete())
    await old.close()
    keyless = await opened_with({"new": KEYS["new"]}, database_url, tmp_path, clock)
    assert await keyless.payloads.read_orphans() == 1
    (row,) = await keyless.payloads.list(site)
    assert row.state == "rejected" and "'old'" in (row.reason or "")
    await keyless.close()
    assert (await store.payloads.reread(row.id)).state == "read"


async def test_a_backup_carries_what_is_sealed(tmp_path: Path, clock: StillClock) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    second.mkdir()
    store = await opened_with(KEYS, f"sqlite:///{first / 'wattledger.db'}", first, clock)
    site = (await store.sites.default()).id
    done = await store.payloads.deliver(site, said())
    await backup(store, first, tmp_path / "home.tar")
    await store.close()
    assert await restore(tmp_path / "home.tar", second)
    again = await opened_with(KEYS, f"sqlite:///{second / 'wattledger.db'}", second, clock)
    assert await again.payloads.body(done.id) == said().body
    place = await again.observations.position(await car(again))
    assert place is not None and place.longitude == LONGITUDE
    await again.close()
