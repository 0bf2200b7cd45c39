"""What is done to processes, wires and the database. Each fault begins, lasts, and ends whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from random import Random

from tests.chaos.children import Child
from tests.chaos.inside import LEASE
from tests.chaos.world import World
from tests.wire import Line, Wire

Play = Callable[[World, Random], Awaitable[str]]
FAULTS: dict[str, Fault] = {}
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True)
class Fault:
    """`play` returns a word about what it did. Faults that `take` the same thing never overlap."""

    kind: str
    take: str
    play: Play
    fits: Callable[[World], bool]


def fault(take: str, fits: Callable[[World], bool] = lambda _: True) -> Callable[[Play], Play]:
    """Register one under its function's name."""

    def register(play: Play) -> Play:
        FAULTS[play.__name__] = Fault(play.__name__, take, play, fits)
        return play

    return register


def on_postgres(world: World) -> bool:
    return world.server is not None


async def last(world: World, random: Random, least: float, most: float) -> None:
    """The length of a fault."""
    await asyncio.sleep(random.uniform(least, most) * world.plan.pace)


def any_of(world: World, random: Random, *kinds: str) -> Child:
    return random.choice(world.family.of(*kinds) if kinds else world.family.all)


@fault("process")
async def kill(world: World, random: Random) -> str:
    child = any_of(world, random)
    child.signal(signal.SIGKILL)
    return child.name


@fault("process")
async def kill_starting(world: World, random: Random) -> str:
    """Again and again within its first seconds: imports, migration, recovery, first cycle."""
    child = any_of(world, random)
    for _ in range(3):
        child.signal(signal.SIGKILL)
        await asyncio.sleep(random.uniform(0.6, 3.0))
    child.signal(signal.SIGKILL)
    return child.name


@fault("process")
async def kill_pgp(world: World, random: Random) -> str:
    """The limited child in which files are opened."""
    relay, killed = world.family["relay"], 0
    for _ in range(75):
        for pid in relay.children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        await asyncio.sleep(0.02)
    return f"{killed} times"


@fault("process")
async def stop(world: World, random: Random) -> str:
    """Longer than a payload is held."""
    child = any_of(world, random)
    child.signal(signal.SIGSTOP)
    try:
        await last(world, random, LEASE * 0.5, LEASE * 2)
    finally:
        child.signal(signal.SIGCONT)
    return child.name


def any_wire(world: World, random: Random) -> tuple[str, Wire]:
    return random.choice(list(world.wires().items()))


@fault("wire")
async def cut(world: World, random: Random) -> str:
    """Every connection of one wire is reset, again and again."""
    name, wire = any_wire(world, random)
    for _ in range(10):
        wire.cut()
        await last(world, random, 0.05, 0.5)
    return name


@fault("wire")
async def unplug(world: World, random: Random) -> str:
    """Nobody gets through for a while."""
    name, wire = any_wire(world, random)
    wire.plugged = False
    wire.cut()
    try:
        await last(world, random, 2, 6)
    finally:
        wire.plugged = True
    return name


@fault("wire")
async def bad_line(world: World, random: Random) -> str:
    """New connections are cut in the middle, lose their answers, drip, or lead nowhere."""
    name, wire = any_wire(world, random)
    line = random.choice(
        [
            Line("cut", cut_at=random.randrange(1, 6000)),
            Line("half", half_at=random.randrange(1, 6000)),
            Line("lost answer", lose_answer=True),
            Line("black hole", black_hole=True),
            Line("drip", delay=0.02, block=400),
        ]
    )
    world.lines[name] = replace(line)
    wire.cut()
    try:
        await last(world, random, 2, 6)
    finally:
        world.lines.pop(name, None)
        if line.black_hole:
            wire.cut()
    return f"{name}, {line.kind}"


@fault("database", on_postgres)
async def database_killed(world: World, random: Random) -> str:
    number = random.choice([signal.SIGKILL, signal.SIGQUIT])
    await asyncio.to_thread(world.end_database, number)
    try:
        await last(world, random, 0.2, 4)
    finally:
        await asyncio.to_thread(world.begin_database)
    return number.name


@fault("wire")
async def busy(world: World, random: Random) -> str:
    """Something before the hub answers 503 with Retry-After."""
    async with _answering(BUSY) as at:
        world.busy(at)
        world.to_hub.cut()
        try:
            await last(world, random, 2, 5)
        finally:
            world.busy(0)
            world.to_hub.cut()
    return "503"


@asynccontextmanager
async def _answering(answer: bytes) -> AsyncIterator[int]:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while await reader.read(1 << 16):
                writer.write(answer)
                await writer.drain()
                break
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
