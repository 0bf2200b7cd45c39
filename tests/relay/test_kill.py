"""kill -9 at every durable step and at random: nothing is lost, doubled or changed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import pytest

from tests.relay.killing import POINTS, child, drained, killed_after, killed_at, restart, unaccounted
from tests.relay.world import World, csv, zipped
from tests.turns import minutes

Record = Callable[[str, object], None]
SEED = 20251106
SWEEP = [
    (point, count)
    for point in POINTS
    for count in {
        "relay.cycle_begun": (1,),
        "relay.before_receipt": (1, 3),
        "relay.after_receipt": (1, 2),
    }.get(point, (1, 2, 3, 4, 5, 7, 9))
]


def fill(world: World, files: int = 3) -> list[bytes]:
    """Encrypted ZIPs and one plain file in the drop; the payloads that must arrive."""
    for number in range(files):
        world.put(f"{number}.CSV.134642921.asc", zipped(Interval__CSV=csv(number)))
    world.drop.put("plain.csv", csv(files))
    return [csv(number) for number in range(files + 1)]


@pytest.mark.parametrize(("point", "count"), SWEEP)
async def test_a_kill_at_any_durable_step_loses_nothing(world: World, point: str, count: int) -> None:
    bodies = fill(world, 2)
    await killed_at(world, point, count)
    restart(world)
    assert world.files("part") == [] and unaccounted(world) == []
    await drained(world, bodies)


async def test_the_points_are_really_reached(world: World) -> None:
    for point in POINTS:
        fill(world, 1)
        assert await killed_at(world, point, 1), point


async def test_random_kills_in_a_row_lose_nothing(world: World) -> None:
    await _random_kills(world, 30, random.Random(SEED))


@pytest.mark.soak
async def test_thousands_of_random_kills_lose_nothing(world: World, record_property: Record) -> None:
    until = time.monotonic() + 60 * minutes()
    starts = kills = 0
    while time.monotonic() < until:
        kills += await _random_kills(world, 50, random.Random(SEED + starts), starts)
        starts += 50
    figures = {"seed": SEED, "kills": kills, "files": starts, "lost": 0, "invented": 0}
    for name, figure in figures.items():
        record_property(name, figure)


async def _random_kills(world: World, times: int, chance: random.Random, first: int = 0) -> int:
    """So many starts with a new file each, killed at some moment; how many had not ended by themselves."""
    bodies: list[bytes] = []
    kills = 0
    world.hub.files.clear()
    for number in range(first, first + times):
        body = csv(number)
        world.put(f"{number}.asc", zipped(a__csv=body)) if number % 2 else world.drop.put(
            f"{number}.csv", body
        )
        bodies.append(body)
        kills += await killed_after(world, chance.uniform(0.0, 0.5))
        assert unaccounted(world) == []
    await drained(world, bodies)
    return kills


async def test_sabotage_unlink_order_is_noticed(world: World) -> None:
    world.put("a.asc", csv(1))
    assert await killed_at(world, "relay.before_receipt", 1, off=("unlink_order",))
    restart(world)
    assert unaccounted(world)


async def test_five_relays_at_once_do_the_work_of_one(world: World) -> None:
    bodies = fill(world, 3)
    children = [await child(world) for _ in range(5)]
    for process in children:
        await asyncio.to_thread(process.join)
    await drained(world, bodies)
    assert len(world.hub.received) == len(bodies)
