"""A unit that is silent while its connection works: offline, or the one device that cannot be read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.payloads import smartthings
from tests.web.alerting import HOUR, MINUTE, ROOM, World
from tests.web.helpers import FakeClock
from wattledger.config import Settings
from wattledger.connectors.smartthings.parse import HEALTH, STATUS, TROUBLE
from wattledger.faults import sabotage
from wattledger.model import Payload, Source
from wattledger.store import Store
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.web.alerts.watcher import Watcher
from wattledger.web.climate import offline_since

SILENT = ("source_silent", "caution")
FIVE = 5 * MINUTE


@pytest.fixture
async def world(store: Store, settings: Settings, clock: FakeClock) -> World:
    found = World(store, clock, Watcher(store, settings, clock, lambda folder: ROOM))
    await found.look()
    clock.move(HOUR)  # long enough awake to judge
    return found


async def told(world: World, kind: str, body: object, **headers: str) -> None:
    made = smartthings.payload(body, kind)
    now, about = world.clock.now(), {**made.headers, **headers}
    said = Payload(made.connector, Source.POLL, made.body, now, filename=kind, headers=about)
    assert (await world.store.payloads.deliver(DEFAULT_SITE, said)).state == "read"


async def reported(world: World, at: datetime) -> None:
    stamp = f"{at:%FT%TZ}"
    counted = smartthings.report(start=f"{at - FIVE:%FT%TZ}", end=stamp)
    room = {"temperature": smartthings.attribute(25 + at.minute, "C", stamp)}
    main = {**smartthings.reported(counted, stamp), "temperatureMeasurement": room}
    await told(world, STATUS, {"components": {"main": main}})


async def rounds(world: World, id: str, *works: bool) -> list[tuple[str, str]]:
    """Collections five minutes apart, in which the unit could be read or not; what is open at the end."""
    for good in works:
        world.clock.move(FIVE / 2)
        await world.look()
        world.clock.move(FIVE / 2)
        if good:
            await reported(world, world.clock.now() - timedelta(hours=9))  # it is off: nothing new to say
        else:
            await told(world, TROUBLE, b"", status="500", reason="SmartThings answered 500.")
        await world.succeed(id)
        found = await world.look()
    return found


async def test_the_one_unit_that_cannot_be_read(world: World) -> None:
    id = await world.connect()
    assert await rounds(world, id, True, False, False) == []
    assert await rounds(world, id, False, False) == [SILENT]
    (row,) = await world.store.alerts.open(DEFAULT_SITE)
    assert "cannot be read" in row.said["title"] and row.said["link"] == "/air-conditioners"
    assert await rounds(world, id, True, True) == []


async def test_calls_that_fail_now_and_then_are_no_alert(world: World) -> None:
    id = await world.connect()
    assert await rounds(world, id, *[False, True] * 6) == []


async def test_a_unit_that_is_offline_until_it_reports_again(world: World) -> None:
    id = await world.connect()
    gone = world.clock.now()
    await reported(world, gone - MINUTE)
    offline = {"state": "OFFLINE", "lastUpdatedDate": f"{gone:%FT%TZ}"}
    await told(world, HEALTH, offline)
    assert await world.look() == []
    assert await rounds(world, id, True, True, True) == [SILENT]
    (row,) = await world.store.alerts.open(DEFAULT_SITE)
    assert "is offline" in row.said["title"]
    await reported(world, world.clock.now())
    assert await world.look() == []


async def test_a_connection_that_fails_as_a_whole_is_one_alert(world: World) -> None:
    id = await world.connect()
    await rounds(world, id, False, False, False, False)
    assert await world.look(HOUR) == [("source_silent", "bad")]


async def test_a_unit_that_is_off_says_nothing_and_is_in_order(world: World) -> None:
    id = await world.connect()
    assert await rounds(world, id, *[True] * 24) == []


async def test_the_page_knows_that_it_is_back(world: World) -> None:
    gone = world.clock.now()
    await told(world, HEALTH, {"state": "OFFLINE", "lastUpdatedDate": f"{gone:%FT%TZ}"})
    points = await world.store.points.list(DEFAULT_SITE)
    (said,) = (await world.store.observations.latest(points)).values()
    assert offline_since(said) is not None
    await reported(world, gone + MINUTE)
    (said,) = (await world.store.observations.latest(points)).values()
    assert said["health"].value == "OFFLINE" and offline_since(said) is None


async def test_a_silent_unit_goes_unnoticed_without_expectations(world: World) -> None:
    id = await world.connect()
    with sabotage("freshness"):
        assert await rounds(world, id, False, False, False, False, False) == []
