"""One run: files come all the time, faults are begun by a seed, invariants are looked at; then it settles."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from tests.chaos import accounts, ledger, places, tokens
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.growth import Growth
from tests.chaos.world import World

LOOK = 3.0
AT_ONCE = 2
"""faults that overlap"""
assert places and tokens


@dataclass
class Chaos:
    """What one run does and remembers."""

    world: World
    chosen: Sequence[str] = ()
    """faults in this order, once each; all of them at random where none is named"""
    every: float = 0.5
    """seconds between two files"""
    story: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    """invariants that did not hold"""
    looks: int = 0
    settled: float = 0.0
    growth: Growth = field(default_factory=Growth)
    collected: accounts.Collected = field(default_factory=accounts.Collected)
    _taken: set[str] = field(default_factory=set)
    _begin: float = field(default_factory=monotonic)

    async def disturb(self, seconds: float) -> None:
        """Drop and break for so long (or until the chosen faults are over)."""
        others = [asyncio.create_task(self._dropping()), asyncio.create_task(self._looking())]
        try:
            await self._in_order(seconds) if self.chosen else await self._at_random(seconds)
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def settle(self, most: float) -> bool:
        """No more faults: whether within `most` seconds all that was dropped is read, and the spool empty."""
        begin = monotonic()
        while not await asyncio.to_thread(self._all_done):
            await asyncio.to_thread(self.look)
            if self.broken or monotonic() > begin + most:
                return False
            await asyncio.sleep(0.3)
        self.settled = monotonic() - begin
        self.look()
        self._say("settled", f"in {self.settled:.1f} s")
        return True

    async def _in_order(self, seconds: float) -> None:
        random = Random(self.world.plan.seed)
        begin = monotonic()
        await self._sign_in()
        for kind in self.chosen:
            if FAULTS[kind].fits(self.world):
                await self._one(FAULTS[kind], random)
        await asyncio.sleep(max(0.0, begin + seconds - monotonic()))

    async def _at_random(self, seconds: float) -> None:
        random, running = Random(self.world.plan.seed), set[asyncio.Task[None]]()
        until = monotonic() + seconds
        bag: list[str] = []
        await self._first_start(random)
        await self._sign_in()
        while monotonic() < until:
            await asyncio.sleep(random.uniform(0.3, 2.5) * self.world.plan.pace)
            running = {task for task in running if not task.done()}
            if not bag:
                bag = sorted(name for name, found in FAULTS.items() if found.fits(self.world))
                random.shuffle(bag)
            if len(running) < AT_ONCE and FAULTS[bag[-1]].take not in self._taken:
                running.add(asyncio.create_task(self._one(FAULTS[bag.pop()], Random(random.random()))))
        if running:
            await asyncio.wait(running)

    async def _first_start(self, random: Random) -> None:
        """Everybody dies within the very first start, twice: keys, migration, folders of the spool."""
        for _ in range(2):
            await asyncio.sleep(random.uniform(0.3, 3.0))
            for child in self.world.family.all:
                child.signal(signal.SIGKILL)
        self.counts["kill_first_start"] += 2

    async def _sign_in(self) -> None:
        if self.world.vendors:
            async with ledger.opened(self.world) as store:
                await self.world.vendors.sign_in(store)

    async def _one(self, fault: Fault, random: Random) -> None:
        self._taken.add(fault.take)
        self._say(fault.kind, "begins")
        try:
            word = await fault.play(self.world, random)
            self.counts[fault.kind] += 1
            self._say(fault.kind, f"over: {word}")
        except Exception as error:
            self.broken.append(f"the fault {fault.kind} itself failed: {error!r}")
        finally:
            self._taken.discard(fault.take)

    def _say(self, kind: str, word: str) -> None:
        self.story.append(f"{monotonic() - self._begin:7.1f} s  {kind} {word}")

    async def _dropping(self) -> None:
        random = Random(self.world.plan.seed + 2)
        while True:
            await asyncio.to_thread(self.world.feed.drop)
            await asyncio.sleep(random.expovariate(1 / self.every))

    async def _looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            with suppress(OSError):
                await asyncio.to_thread(self.look)

    def look(self) -> None:
        """What must hold at every moment: nothing receipted is missing, nothing is double or poisoned."""
        for child in self.world.family.all:
            self.growth.note(child)
        receipted = self.world.receipted()
        found = ledger.rows(self.world)
        if found is None:
            return
        self.looks += 1
        kept = Counter(row.sha256 for row in found)
        if lost := receipted - kept.keys():
            self._broken(f"lost: {len(lost)} receipted payloads are not in the archive")
        if any(count > 1 for count in kept.values()):
            self._broken("doubled: a file has two payloads")
        if any(row.reason and "poison" in row.reason for row in found):
            self._broken("a payload was given up as poison")

    def _broken(self, text: str) -> None:
        if text not in self.broken:
            self.broken.append(text)
            self._say("BROKEN", text)

    def _all_done(self) -> bool:
        spooled = [item for name in ("enc", "out") for item in self.world.spooled(name)]
        found = ledger.rows(self.world)
        if spooled or found is None or any(row.state == "stored" for row in found):
            return False
        if self.world.vendors and not self.collected.in_order(self.world):
            return False
        return self.world.feed.bodies.keys() <= {row.sha256 for row in found}
