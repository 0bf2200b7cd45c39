"""Stages that run side by side: what one hands on, the next takes once."""

from __future__ import annotations

import asyncio

import pytest

from tests.relay.world import World, csv, digest, zipped
from wattledger.clock import SystemClock
from wattledger.errors import TryLater
from wattledger.relay.item import Item
from wattledger.relay.spool import Spool
from wattledger.relay.stream import Stream, together


def item(name: str) -> Item:
    return Item(name, name, "/", 1, 0, stage="out", sha256=digest(b"x"))


async def test_items_come_in_order_and_the_end_is_told_to_every_reader() -> None:
    stream = Stream([item("a")])
    readers = [asyncio.create_task(stream.take(2)) for _ in range(3)]
    await asyncio.sleep(0)
    stream.put([item("b"), item("c"), item("d")])
    stream.end()
    taken = [one.name for reader in readers for one in await reader]
    assert sorted(taken) == ["a", "b", "c", "d"]
    assert await stream.take(1) == []


async def test_a_stage_that_fails_lets_the_others_end_first() -> None:
    ended = []

    async def fails() -> None:
        raise TryLater("no")

    async def works() -> None:
        await asyncio.sleep(0.01)
        ended.append(True)

    with pytest.raises(TryLater):
        await together(fails(), works())
    assert ended


async def test_a_payload_that_is_under_way_is_not_laid_again(world: World) -> None:
    spool = Spool(world.inbox, SystemClock())
    one = item("one-0")
    assert spool.to_deliver([(one, b"x")]) == [one]
    assert spool.to_deliver([(one, b"x")]) == []
    spool.received(one, {})
    assert spool.to_deliver([(one, b"x")]) == []
    assert world.files("out") == []


async def test_what_a_kill_left_in_both_places_is_delivered_once(world: World) -> None:
    world.put("a.asc", zipped(a__csv=csv(1)))
    await world.run(hub_url="http://127.0.0.1:9")
    spool = Spool(world.inbox, SystemClock())
    (done,) = [p for p in (world.inbox / "done").iterdir() if p.suffix == ".json"]
    for path in (done, done.with_suffix("")):
        path.rename(world.inbox / "enc" / path.name)
    assert len(spool.items("enc")) == len(spool.items("out")) == 1
    world.clock.turn(hours=2)
    line = await world.run()
    assert line["sent"] == 1, line
    assert [world.files(name) for name in ("enc", "out", "bad")] == [[], [], []]
