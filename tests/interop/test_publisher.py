"""Publishing to a real broker: retained, told anew after a loss, taken away, by one process at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import upload
from tests.interop.listening import retained, until
from tests.interop.mosquitto import Mosquitto
from tests.payloads import smt
from tests.payloads.smartcar import CAR
from tests.web.helpers import FakeClock
from wattledger.cli.home_assistant import published
from wattledger.faults import sabotage
from wattledger.interop.broker import Broker
from wattledger.interop.publisher import Publisher, identifier
from wattledger.interop.things import Thing, things
from wattledger.model import Flow
from wattledger.store import Store
from wattledger.store.database import Database
from wattledger.store.ledger.standing import standings
from wattledger.store.sources.connections import ConnectionRow

Look = Callable[[], Awaitable[list[Thing]]]
ENERGY = "homeassistant/sensor/wattledger_{}/energy/config"


async def no_token(row: ConnectionRow) -> None:
    return None


def looks(store: Store, site: str) -> Look:
    async def look() -> list[Thing]:
        return await things(store, [site], no_token)

    return look


def publisher(store: Store, look: Look, broker: Mosquitto) -> Publisher:
    at = Broker("127.0.0.1", broker.port, None, None, None)
    return Publisher(store.database, at, look, every=0.1, again=0.1)


@asynccontextmanager
async def running(one: Publisher) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(one.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def test_a_meter_and_a_car_are_announced_with_the_ledgers_register(
    store: Store, site: str, broker: Mosquitto
) -> None:
    meter = await store.points.by_external(smt.ONCOR)
    car = await store.points.by_external(CAR)
    async with running(publisher(store, looks(store, site), broker)):
        await until(broker.port, "wattledger/status", "online")
        told = await retained(broker.port)
        state = await until(broker.port, f"wattledger/{car.id}/state")
    expected = sum(sum(filter(None, day.wh)) for day in smt.days(smt.FALL, 3))
    assert ENERGY.format(meter.id) in told and ENERGY.format(car.id) in told
    assert told[f"wattledger/{meter.id}/state"].startswith(f'{{"energy":{expected / 1000}'.encode())
    assert state["soc_pct"] and state["charging"] is False and state["plugged_in"] is not None
    assert not {"latitude", "longitude"} & state.keys()
    assert await until(broker.port, "wattledger/status") == "offline"


async def test_only_what_changed_is_told_again_and_a_new_day_is(
    store: Store, site: str, broker: Mosquitto, clock: FakeClock
) -> None:
    meter = await store.points.by_external(smt.ONCOR)
    async with running(publisher(store, looks(store, site), broker)):
        await until(broker.port, "wattledger/status", "online")
        before = broker.log().count("Received PUBLISH")
        await asyncio.sleep(0.5)
        assert broker.log().count("Received PUBLISH") == before
        day = smt.Day(smt.FALL + timedelta(3))
        await store.payloads.deliver(site, upload(smt.csv(day), clock))
        stands = await standings(store.database, [meter.n])
        wanted = next(iter(stands.values())).wh / 1000
        for _ in range(50):
            if (await until(broker.port, f"wattledger/{meter.id}/state"))["energy"] == wanted:
                return
    raise AssertionError("the new day was not told")


async def announced_after_a_restart(store: Store, site: str, broker: Mosquitto) -> bool:
    meter = await store.points.by_external(smt.ONCOR)
    async with running(publisher(store, looks(store, site), broker)):
        await until(broker.port, "wattledger/status", "online")
        broker.stop()
        broker.start()
        await until(broker.port, "wattledger/status", "online")
        return ENERGY.format(meter.id) in await retained(broker.port)


async def test_a_broker_that_forgot_everything_is_told_anew(
    store: Store, site: str, broker: Mosquitto
) -> None:
    assert await announced_after_a_restart(store, site, broker)


async def test_sabotage_announce_again_is_noticed(store: Store, site: str, broker: Mosquitto) -> None:
    with sabotage("announce_again"):
        assert not await announced_after_a_restart(store, site, broker)


async def left_of_the_gone(store: Store, broker: Mosquitto) -> set[str]:
    """Retained topics of a thing that only an earlier process knew."""
    shown = [Thing("gone", "Old", "Car", {"energy": 1.0}), Thing("here", "New", "Car", {"energy": 2.0})]

    async def look() -> list[Thing]:
        return list(shown)

    async with running(publisher(store, look, broker)):
        await until(broker.port, "wattledger/gone/state", {"energy": 1.0})
    del shown[0]
    async with running(publisher(store, look, broker)):
        await until(broker.port, "wattledger/status", "online")
        await asyncio.sleep(0.5)
        told = await retained(broker.port)
    assert "wattledger/here/state" in told
    return {topic for topic in told if "gone" in topic}


async def test_what_is_gone_is_taken_away_even_from_an_earlier_process(
    store: Store, broker: Mosquitto
) -> None:
    assert await left_of_the_gone(store, broker) == set()


async def test_sabotage_forget_gone_is_noticed(store: Store, broker: Mosquitto) -> None:
    with sabotage("forget_gone"):
        assert await left_of_the_gone(store, broker)


async def test_what_goes_while_we_publish_is_taken_away(store: Store, broker: Mosquitto) -> None:
    shown = [Thing("gone", "Old", "Car", {"energy": 1.0})]

    async def look() -> list[Thing]:
        return list(shown)

    async with running(publisher(store, look, broker)):
        await until(broker.port, "wattledger/gone/state", {"energy": 1.0})
        shown.clear()
        await asyncio.sleep(0.5)
        assert set(await retained(broker.port)) == {"wattledger/status"}


async def connections_of_two(store: Store, site: str, url: str, broker: Mosquitto) -> int:
    """How often two processes (two databases' handles) signed in at the broker in a second."""
    other = Database(url)
    at = Broker("127.0.0.1", broker.port, None, None, None)
    second = Publisher(other, at, looks(store, site), every=0.1, again=0.1)
    async with running(publisher(store, looks(store, site), broker)):
        await until(broker.port, "wattledger/status", "online")
        async with running(second):
            await asyncio.sleep(1)
        assert await until(broker.port, "wattledger/status")
    await other.close()
    return broker.log().count(f"as {identifier(at)}")


async def test_one_publishes_at_a_time(store: Store, site: str, database_url: str, broker: Mosquitto) -> None:
    assert await connections_of_two(store, site, database_url, broker) == 1


async def test_sabotage_one_publisher_is_noticed(
    store: Store, site: str, database_url: str, broker: Mosquitto
) -> None:
    with sabotage("one_publisher"):
        assert await connections_of_two(store, site, database_url, broker) > 1


async def test_another_takes_over(store: Store, site: str, database_url: str, broker: Mosquitto) -> None:
    other = Database(database_url)
    at = Broker("127.0.0.1", broker.port, None, None, None)
    second = Publisher(other, at, looks(store, site), every=0.1, again=0.1)
    async with running(second):
        async with running(publisher(store, looks(store, site), broker)):
            await until(broker.port, "wattledger/status", "online")
        await until(broker.port, "wattledger/status", "online")
    await other.close()


async def test_what_the_ledger_holds_altogether(store: Store, site: str) -> None:
    meter = await store.points.by_external(smt.ONCOR)
    found = await standings(store.database, [meter.n, 99])
    days = smt.days(smt.FALL, 3)
    assert {key: stand.wh for key, stand in found.items()} == {
        (meter.n, Flow.DELIVERED): sum(sum(filter(None, day.wh)) for day in days)
    }


@pytest.mark.parametrize("word", ["right-word", "wrong-word"])
async def test_user_and_password(store: Store, tmp_path: Path, word: str) -> None:
    """By the plain form of a password file, which mosquitto's own tool would hash in place."""
    import shutil
    import subprocess

    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        pytest.skip("mosquitto_passwd is not installed (it comes with mosquitto)")
    file = tmp_path / "passwords"
    subprocess.run((tool, "-b", "-c", str(file), "wl", "right-word"), check=True, capture_output=True)
    broker = Mosquitto(tmp_path, "allow_anonymous false", f"password_file {file}")
    broker.start()
    try:
        at = Broker("127.0.0.1", broker.port, None, "wl", word)

        async def look() -> list[Thing]:
            return [Thing("a", "A", "Car", {"energy": 1.0})]

        async with running(Publisher(store.database, at, look, every=0.1, again=0.1)):
            await asyncio.sleep(0.6)
            right: dict[str, Any] = {"username": "wl", "password": "right-word"}
            told = await retained(broker.port, **right)
        assert ("wattledger/a/state" in told) == (word == "right-word")
    finally:
        broker.stop()


async def test_several_sites_are_published_only_by_name(store: Store, site: str) -> None:
    assert await published(store, ()) == [site]
    other = (await store.sites.add("Other", "America/Denver", None, "tests")).id
    assert await published(store, ()) == []
    assert await published(store, (other, "unknown")) == [other]
