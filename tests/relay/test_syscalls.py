"""One cycle of the relay, killed or told an error at any single call on a file of its spool."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests import strace
from tests.relay.killing import drained, fields_of, restart, spawn, unaccounted
from tests.relay.world import World, csv, digest, zipped
from tests.strace import Step
from wattledger.clock import SystemClock
from wattledger.config import Settings
from wattledger.faults import sabotage
from wattledger.relay import durable
from wattledger.relay.cycle import Cycle, Job

Record = Callable[[str, object], None]
SEED = 20251106
pytestmark = pytest.mark.skipif(strace.missing() is not None, reason=str(strace.missing()))


def traced_cycles(fields: dict[str, Any], cycles: int, off: tuple[str, ...]) -> None:
    """The child's whole life: it waits for strace, then runs cycles one after the other in one thread."""
    durable.__dict__["ThreadPoolExecutor"] = strace.AtOnce

    async def life() -> None:
        strace.at_once()
        with sabotage(*off):
            cycle = Cycle(Settings(**fields), SystemClock(), lambda line: None)
            strace.wait_for_strace()
            for _ in range(cycles):
                await cycle.run(Job("traced", "run_once"))

    asyncio.run(life())


class Bench:
    """The same drop over and over, before an empty spool."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.put("a.CSV.134642921.asc", zipped(Interval__CSV=csv(0)))
        world.drop.put("plain.csv", csv(1))
        self.bodies = [csv(0), csv(1)]
        self.log = world.root / "strace.log"
        self.paths: list[str] = []
        self.steps: list[Step] = []

    async def known(self) -> Bench:
        """Find out which files a cycle touches, and how often."""
        await self.run()
        paths = strace.touched(self.log, [self.world.inbox])
        part = f"{self.world.inbox}/part/"  # what lies there is thrown away, some of it under a drawn name
        self.paths = [p for p in paths if not (p.startswith(part) and "." in p.removeprefix(part))]
        await self.run()
        self.steps = strace.steps(self.log)
        await drained(self.world, self.bodies)
        return self

    async def run(self, inject: str = "", cycles: int = 1, off: tuple[str, ...] = ()) -> int | None:
        """A fresh spool and hub, and a child; its exit code."""
        shutil.rmtree(self.world.inbox, ignore_errors=True)
        self.world.hub.files.clear()
        process = await spawn(traced_cycles, fields_of(self.world), cycles, off)
        assert process.pid
        with strace.beside(process.pid, strace.FILES, self.log, self.paths, inject):
            await asyncio.to_thread(process.join)
        return process.exitcode

    async def killed(self, step: Step) -> bool:
        """Kill it there, start again, and judge. False where it ended before it got there."""
        code = await self.run(strace.kill(step))
        assert code in (0, -9), f"{step}: exit code {code}"
        restart(self.world)
        assert (unaccounted(self.world), self.world.files("part")) == ([], []), step
        await drained(self.world, self.bodies)
        return code == -9

    async def refused(self, step: Step, error: str) -> bool:
        """One call says an error; what could not be stored is not taken as stored and comes next time."""
        assert await self.run(strace.fail(step, error), cycles=3) == 0, f"{step} {error}"
        assert unaccounted(self.world) == [], f"{step} {error}"
        times = self.log.read_text(errors="replace").count("INJECTED")
        if times == 1:  # more where the process that opens files was told it too, each time anew
            assert set(self.world.hub.files) == set(map(digest, self.bodies)), f"{step} {error}"
        await drained(self.world, self.bodies)
        return times > 0


@pytest.fixture
async def bench(world: World) -> AsyncIterator[Bench]:
    yield await Bench(world).known()


def some(steps: list[Step], count: int) -> list[Step]:
    return random.Random(SEED).sample(steps, count)


async def test_a_kill_at_some_calls_loses_nothing(bench: Bench) -> None:
    assert {"fsync", "rename", "unlink", "openat", "write"} <= {step.call for step in bench.steps}
    assert [await bench.killed(step) for step in some(bench.steps, 8)] == [True] * 8


async def test_an_error_of_some_calls_loses_nothing(bench: Bench) -> None:
    steps = [step for step in bench.steps if step.call in ("fsync", "write", "rename")]
    for number in range(2):
        assert all([await bench.refused(step, step.errors[number]) for step in some(steps, 3)])


@pytest.mark.soak
async def test_a_kill_at_every_call_loses_nothing(bench: Bench, record_property: Record) -> None:
    kills = 0
    for call in sorted({step.call for step in bench.steps}):
        number = 1
        while await bench.killed(Step(call, number)):
            number += 1
        kills += number - 1
    record_property("calls_in_a_cycle", len(bench.steps))
    record_property("kills", kills)
    record_property("lost", 0)
    assert kills >= len(bench.steps)


@pytest.mark.soak
async def test_an_error_of_every_call_loses_nothing(bench: Bench, record_property: Record) -> None:
    done = [await bench.refused(step, error) for step in bench.steps for error in step.errors]
    record_property("errors_said", sum(done))
    record_property("lost", 0)


async def test_sabotage_unlink_order_is_noticed_at_a_call(bench: Bench) -> None:
    """The plaintext goes only when its receipt is durable, whichever call is the last."""
    await bench.run(off=("unlink_order",))
    receipts = [step for step in strace.steps(bench.log) if step.call == "fsync"]
    for step in reversed(receipts):
        assert await bench.run(strace.kill(step), off=("unlink_order",)) == -9
        restart(bench.world)
        if unaccounted(bench.world):
            return
    raise AssertionError("no kill at a sync was noticed")


def test_the_spool_is_named_by_its_files(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '12 openat(AT_FDCWD</>, "/in/out/a.tmp", O_RDWR) = 5</in/out/a.tmp>\n12 fsync(5</in/out>) = 0\n'
        '12 fsync(6</in/out> <unfinished ...>\n12 <... fsync resumed>) = 0\n12 rename("/x", "/in/b") = 0\n'
    )
    assert strace.touched(log, [Path("/in")]) == ["/in", "/in/b", "/in/out", "/in/out/a.tmp"]
    assert strace.steps(log) == [Step("fsync", 1), Step("fsync", 2), Step("openat", 1), Step("rename", 1)]
