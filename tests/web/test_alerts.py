"""Every kind of alert opens when its trouble is there and closes itself when cured, on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.payloads import smartthings, smt
from tests.web.alerting import DAY, HOUR, MINUTE, ROOM, World
from tests.web.helpers import FakeClock
from wattledger.config import Settings
from wattledger.connectors import connector
from wattledger.connectors.smartthings.parse import STATUS
from wattledger.errors import LoginRequired, TryLater
from wattledger.faults import sabotage
from wattledger.model import Payload, Source
from wattledger.store import Store
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.store.tables import payload as payloads
from wattledger.web.alerts.watcher import Watcher

MIDNIGHT = datetime.fromisoformat("2026-06-13T05:00:00+00:00")


@pytest.fixture
def world(store: Store, settings: Settings, clock: FakeClock) -> World:
    return World(store, clock, Watcher(store, settings, clock, lambda folder: ROOM))


async def test_nothing_is_wrong_at_first(world: World) -> None:
    assert await world.look(HOUR) == []


async def test_a_token_that_ends(world: World) -> None:
    id = await world.connect(age=17 * HOUR)
    assert await world.look() == []
    world.clock.move(HOUR)
    await world.succeed(id)
    assert await world.look() == [("token_ending", "caution")]
    world.clock.move(5 * HOUR)
    assert await world.look() == [("token_ending", "bad")]
    world.clock.move(2 * HOUR)
    assert await world.look() == [("token_ending", "bad")]
    fresh = {"token": "b-2", "set_at": world.clock.now().isoformat()}
    await world.store.connections.resume(id, DEFAULT_SITE, fresh)
    await world.succeed(id)
    assert await world.look() == []
    (row,) = await world.store.alerts.closed(DEFAULT_SITE)
    assert row.kind == "token_ending"


async def test_a_sign_in_that_is_needed(world: World) -> None:
    id = await world.connect(pasted=False)
    await world.store.connections.stop(id, DEFAULT_SITE, LoginRequired("It no longer lets us in."))
    assert await world.look() == [("token_ending", "bad")]
    (row,) = await world.store.alerts.open(DEFAULT_SITE)
    assert "It no longer lets us in." in row.said["text"]
    assert row.said["todo"].startswith("Sign in again")
    await world.store.connections.resume(id, DEFAULT_SITE, {"refresh": "r"})
    await world.succeed(id)
    assert await world.look() == []


async def test_a_connection_that_is_silent(world: World) -> None:
    id = await world.connect()
    assert await world.look(12 * MINUTE) == []
    await world.succeed(id, TryLater("The vendor is away."))
    assert await world.look(4 * MINUTE) == [("source_silent", "bad")]
    (row,) = await world.store.alerts.open(DEFAULT_SITE)
    assert "The vendor is away." in row.said["text"]
    await world.succeed(id)
    assert await world.look() == []


async def test_a_start_after_hours_is_no_silence_but_keeps_what_was_silent(
    world: World, settings: Settings
) -> None:
    await world.connect()
    await world.look()
    world.clock.move(5 * HOUR)
    assert await world.look(12 * MINUTE) == []
    assert await world.look(4 * MINUTE) == [("source_silent", "bad")]
    world.watcher = Watcher(world.store, settings, world.clock, lambda folder: ROOM)
    assert await world.look() == [("source_silent", "bad")]


async def test_a_relay_that_is_silent(world: World) -> None:
    beat = world.store.connections.heartbeat
    await beat("edge", {"status": "ok"})
    assert await world.look(36 * MINUTE) == []
    assert await world.look(4 * MINUTE) == [("source_silent", "bad")]
    await beat("edge", {"status": "ok"})
    assert await world.look() == []


async def test_a_relay_goes_by_the_period_that_it_names(world: World) -> None:
    await world.store.connections.heartbeat("edge", {"status": "ok", "every_minutes": 120})
    assert await world.look(128 * MINUTE) == []
    assert await world.look(4 * MINUTE) == [("source_silent", "bad")]


async def test_a_relay_that_fails_again_and_again(world: World) -> None:
    beat = world.store.connections.heartbeat
    await beat("edge", {"status": "ok"})
    for _ in range(2):
        assert await world.look(32 * MINUTE) == []
        await beat("edge", {"status": "failed", "error": "The utility's host refuses the key."})
    assert await world.look(8 * MINUTE) == [("source_silent", "bad")]
    (row,) = await world.store.alerts.open(DEFAULT_SITE)
    assert "refuses the key" in row.said["text"]
    await beat("edge", {"status": "partial"})
    assert await world.look() == []


async def test_a_meter_without_new_days(world: World) -> None:
    await world.deliver(smt.Day(date(2026, 6, 13)))
    assert await world.look() == []
    world.clock.move(2 * DAY - 13 * HOUR)
    assert await world.look() == []
    world.clock.move(2 * HOUR)
    assert await world.look() == [("source_silent", "bad")]
    await world.deliver(smt.Day(date(2026, 6, 14)))
    assert await world.look() == []


async def test_a_meter_whose_files_people_add(world: World) -> None:
    await world.deliver(smt.Day(date(2026, 6, 13)), source=Source.UPLOAD)
    world.clock.move(30 * DAY)
    assert await world.look() == []
    world.clock.move(5 * DAY)
    assert await world.look() == [("source_silent", "caution")]


async def test_days_that_are_missing(world: World) -> None:
    there = [smt.Day(date(2026, 6, n)) for n in (8, 9, 11, 12, 13)]
    await world.deliver(*there)
    assert await world.look() == [("gap", "caution")]
    (row,) = await world.store.alerts.open(DEFAULT_SITE)
    assert "10 June 2026" in row.said["text"]
    await world.deliver(smt.Day(date(2026, 6, 10)))
    assert await world.look(16 * MINUTE) == []


async def test_a_rejected_file(world: World) -> None:
    junk = Payload("smart_meter_texas", Source.UPLOAD, b"\x00junk", world.clock.now(), "a.csv")
    done = await world.store.payloads.deliver(DEFAULT_SITE, junk)
    assert done.state == "rejected"
    assert await world.look() == [("rejected_file", "caution")]
    await world.store.payloads.withdraw(done.id, DEFAULT_SITE, "tests")
    assert await world.look() == []


async def test_a_file_that_stops_its_reader(world: World) -> None:
    junk = Payload("smart_meter_texas", Source.UPLOAD, b"\x00junk", world.clock.now(), "a.csv")
    done = await world.store.payloads.deliver(DEFAULT_SITE, junk)
    async with world.store.begin() as connection:
        await connection.execute(update(payloads).values(attempts=5))
    assert await world.look() == [("poison_payload", "bad")]
    await world.store.payloads.withdraw(done.id, DEFAULT_SITE, "tests")
    assert await world.look() == []


async def test_more_explained_than_metered(world: World) -> None:
    await world.deliver(smt.Day(date(2026, 6, 13), [100] * 96), source=Source.UPLOAD)
    for hour in range(25):
        start, end = (MIDNIGHT + timedelta(hours=h) for h in (hour - 1, hour))
        said = smartthings.report(1000 * hour + 5000, 1000, start=f"{start:%FT%TZ}", end=f"{end:%FT%TZ}")
        body = {"components": {"main": smartthings.air_conditioner(said)}}
        await world.store.payloads.deliver(DEFAULT_SITE, smartthings.payload(body, STATUS))
    assert await world.look() == [("over_attribution", "caution")]
    (row,) = await world.store.alerts.open(DEFAULT_SITE)
    assert "By 14.4 kWh" in row.said["text"]
    (unit,) = [p for p in await world.store.points.list(DEFAULT_SITE) if p.kind == "appliance"]
    await world.store.points.choose(unit.id, DEFAULT_SITE, equation="out")
    assert await world.look(16 * MINUTE) == []


async def test_a_full_disk(store: Store, settings: Settings, clock: FakeClock) -> None:
    free = [3 << 30]

    def usage(folder: Path) -> tuple[int, int, int]:
        return 1 << 40, 0, free[0]

    world = World(store, clock, Watcher(store, settings, clock, usage))
    assert await world.look() == [("disk_low", "caution")]
    free[0] = 1 << 30
    assert await world.look() == [("disk_low", "bad")]
    other = Watcher(store, settings, clock, lambda folder: ROOM)
    other.host = "another"
    await other.look()
    assert await world.look() == [("disk_low", "bad")]
    free[0] = 1 << 39
    assert await world.look() == []


@pytest.mark.parametrize("kind", ["relay", "token"])
async def test_sabotage_of_freshness_and_closing_is_noticed(world: World, kind: str) -> None:
    trouble: dict[str, Callable[[], Awaitable[object]]] = {
        "relay": lambda: world.store.connections.heartbeat("edge", {"status": "ok"}),
        "token": lambda: world.connect(age=23 * HOUR),
    }
    await trouble[kind]()
    with sabotage("freshness"):
        assert await world.look(44 * MINUTE) == []
    assert await world.look() != []


async def test_other_sites_have_their_own(world: World) -> None:
    await world.connect(age=20 * HOUR)
    other = await world.store.sites.add("Other", "America/Denver", None, "tests")
    await world.look()
    assert await world.store.alerts.open(other.id) == []
    assert len(await world.store.alerts.open(None)) == 1


async def test_one_looks_at_a_time(world: World, settings: Settings) -> None:
    await world.connect(age=20 * HOUR)
    async with world.store.database.attempt("alerts") as free:
        assert free
        other = Watcher(world.store, settings, world.clock, lambda folder: ROOM)
        if not world.store.database.path:  # on SQLite a process is one holder of its own locks
            assert not (await other.look()).opened
    assert (await other.look()).opened


async def test_cars_may_miss_one_round(world: World) -> None:
    made = await world.store.connections.create(DEFAULT_SITE, "smartcar", {}, {})
    await world.succeed(made.id)
    every = connector("smartcar").every
    assert every is not None
    assert await world.look(every + 68 * MINUTE) == []
    assert await world.look(4 * MINUTE) == [("source_silent", "bad")]
