"""The power of the relay's disk is cut: whatever it had taken from a vendor who forgets it reaches the hub.

While the relay works, the hub is away half of the time, so that files lie at every stage of the spool.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.disk import Disk, disk, missing
from tests.relay.hub_double import Scripted
from tests.relay.killing import drained, fields_of, spawn
from tests.relay.world import TurnedClock, World, csv, zipped
from tests.turns import minutes
from wattledger.clock import SystemClock
from wattledger.config import Settings
from wattledger.faults import sabotage
from wattledger.relay.cycle import Cycle, Job
from wattledger.relay.durable import durable_write

Record = Callable[[str, object], None]
SEED = 20251106
BATCH, BATCHES = 4, 3
"""files that the vendor has for each cycle, and cycles before the one in which the power goes"""
pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def cycles(fields: dict[str, Any], line: Connection, off: tuple[str, ...]) -> None:
    """A relay's life: a cycle each time it is told to; says how many files it took."""
    with sabotage(*off):
        cycle = Cycle(Settings(**fields), SystemClock(), lambda said: None)
        while line.recv():
            line.send(asyncio.run(cycle.run(Job("power", "run_once")))["fetched"])


class Relay:
    """A relay whose files lie on a disk of its own; the vendor and the hub are elsewhere."""

    def __init__(self, world: World, made: Disk, chance: random.Random, away: float) -> None:
        self.world, self._disk = replace(world, root=made.place), made
        self._chance, self._away = chance, away
        self.bodies: list[bytes] = []
        for name in ("id_ed25519", "known_hosts", "pgp.asc"):
            shutil.copy2(world.root / name, made.place / name)
        os.sync()

    @asynccontextmanager
    async def working(self, off: tuple[str, ...]) -> AsyncIterator[None]:
        """A child that waits for its cycles, for the length of a `with` block."""
        self._line, other = multiprocessing.Pipe()
        self._process = await spawn(cycles, fields_of(self.world), other, off)
        try:
            yield
        finally:
            self._process.kill()
            await asyncio.to_thread(self._process.join)

    def _offer(self) -> list[Path]:
        """New files with the vendor, some encrypted; perhaps the hub goes away or comes back."""
        away = self._chance.random() < self._away
        self.world.hub.always = Scripted(status=503, store=False) if away else None
        paths = []
        for _ in range(BATCH):
            number = len(self.bodies)
            self.bodies.append(csv(number))
            plain = number % 2 == 0
            body = csv(number) if plain else self.world.pair.encrypt(zipped(a__csv=csv(number)))
            paths.append(self.world.drop.put(f"{number}.csv" if plain else f"{number}.asc", body))
        return paths

    async def taken(self) -> None:
        """A whole cycle, after which the vendor forgets what the relay said it took."""
        paths = self._offer()
        self._line.send(True)
        assert await asyncio.to_thread(self._line.recv) >= BATCH
        for path in paths:
            path.unlink()

    async def cut(self) -> None:
        """Cut the power somewhere within a cycle, and judge what a relay makes of the disk afterwards."""
        self._offer()
        self._line.send(True)
        await asyncio.sleep(self._chance.uniform(0.0, 0.4))
        assert self._process.pid
        with self._disk.cut([self._process.pid]) as place:
            hub = self.world.hub
            hub.always, hub.script = None, type(hub.script)()
            found = replace(self.world, root=place, clock=TurnedClock())
            found.clock.turn(minutes=20)
            await drained(found, self.bodies)


async def cut(world: World, seed: int, away: float = 0.5, off: tuple[str, ...] = ()) -> int:
    """One relay, some cycles, one cut. How many files the vendor had forgotten by then.

    `away`: the share of cycles in which the hub takes nothing.
    """
    with disk(32) as made:
        world.hub.files.clear()
        for path in world.drop.folder().iterdir():
            path.unlink()
        relay = Relay(world, made, random.Random(seed), away)
        async with relay.working(off):
            for _ in range(BATCHES):
                await relay.taken()
            await relay.cut()
    return BATCH * BATCHES


async def test_cuts_lose_nothing_that_was_taken(world: World) -> None:
    for seed in range(2):
        await cut(world, SEED + seed)


async def test_sabotage_fsync_is_noticed_by_a_cut(world: World) -> None:
    with pytest.raises(AssertionError):
        await cut(world, SEED, away=1, off=("fsync",))


@pytest.mark.soak
async def test_many_cuts(world: World, record_property: Record) -> None:
    until = time.monotonic() + 60 * minutes()
    cuts = files = 0
    while time.monotonic() < until:
        files += await cut(world, SEED + cuts)
        cuts += 1
    figures = {"seed": SEED, "cuts": cuts, "files_taken": files, "lost": 0, "unreadable": 0}
    for name, figure in figures.items():
        record_property(name, figure)


def survivors(made: Disk, off: tuple[str, ...]) -> tuple[int, int]:
    """Files written durably one by one, then a cut: how many were written, and how many are whole."""
    folder = made.place / "out"
    folder.mkdir()
    os.sync()
    with sabotage(*off):
        for number in range(20):
            durable_write(folder / str(number), b"%d" % number * 1000)
    with made.cut([]) as place:
        found = [path for path in (place / "out").iterdir() if path.name.isdigit()]
        return 20, sum(path.read_bytes() == path.name.encode() * 1000 for path in found)


def test_what_was_written_durably_is_whole() -> None:
    with disk(16) as made:
        assert survivors(made, ()) == (20, 20)


@pytest.mark.parametrize("off", ["fsync", "folder_sync"])
def test_sabotage_of_syncs_is_noticed_by_a_cut(off: str) -> None:
    with disk(16) as made:
        written, whole = survivors(made, (off,))
    assert whole < written
