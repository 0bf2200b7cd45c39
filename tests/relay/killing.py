"""Relays that are killed: forked children, imports done, one cycle each; and what must hold after."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.context import ForkServerProcess
from typing import Any

from tests.relay.world import World, digest
from wattledger import faults
from wattledger.clock import SystemClock
from wattledger.config import Settings
from wattledger.relay.cycle import Cycle, Job
from wattledger.relay.recovery import recover
from wattledger.relay.spool import RECEIPT, SIDECAR, Spool

POINTS = (
    "relay.cycle_begun",
    "spool.before_fsync",
    "spool.before_rename",
    "spool.after_rename",
    "relay.before_receipt",
    "relay.after_receipt",
)
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.relay.killing"])


def one_cycle(fields: dict[str, Any], point: str, count: int, off: tuple[str, ...]) -> None:
    """The child's whole life: a cycle that ends at the `count`-th passing of `point`, if it gets there."""
    faults._off.update(off)
    if point:
        faults.arm(point, faults.kill_at(count))
    cycle = Cycle(Settings(**fields), SystemClock(), lambda line: None)
    asyncio.run(cycle.run(Job("kill")))


async def child(
    world: World, point: str = "", count: int = 1, off: tuple[str, ...] = ()
) -> ForkServerProcess:
    """Starts a child over the world's settings."""
    return await spawn(one_cycle, fields_of(world), point, count, off)


async def spawn(life: Callable[..., None], *words: Any) -> ForkServerProcess:
    """Starts a child that does this and ends."""
    process = _context.Process(target=life, args=words)
    await asyncio.to_thread(process.start)
    return process


def fields_of(world: World) -> dict[str, Any]:
    """The world's settings as a child can be given them."""
    found = world.settings()
    names = ("data", "hub_url", "webhook_secret", "admin_token", "relay_port", *_smt(found))
    return {name: getattr(found, name) for name in names}


async def killed_at(world: World, point: str, count: int, off: tuple[str, ...] = ()) -> bool:
    """Runs a child to its end; whether the point was reached."""
    process = await child(world, point, count, off)
    await asyncio.to_thread(process.join)
    return process.exitcode == -signal.SIGKILL


async def killed_after(world: World, seconds: float) -> bool:
    """Kills a child after some time, wherever it is then; whether it had not ended by itself."""
    process = await child(world)
    await asyncio.to_thread(process.join, seconds)
    if process.is_alive() and process.pid:
        os.kill(process.pid, signal.SIGKILL)
    await asyncio.to_thread(process.join)
    return process.exitcode == -signal.SIGKILL


def unaccounted(world: World) -> list[str]:
    """Payload ids whose ciphertext is done but that are neither in out/ nor receipted: lost plaintext."""
    spool = Spool(world.inbox, SystemClock())
    done = [p.name.removesuffix(SIDECAR) for p in (world.inbox / "done").glob("*" + SIDECAR)]
    known = partial(_accounted, spool)
    return [item_id for item_id in done if not known(f"{item_id}-0")]


def _accounted(spool: Spool, item_id: str) -> bool:
    return spool.path("out", item_id).exists() or spool.path("done", item_id + RECEIPT).exists()


async def drained(world: World, bodies: list[bytes]) -> None:
    """Runs healthy cycles and asserts: nothing lost, nothing invented, no plaintext left."""
    for _ in range(3):
        line = await world.run()
        assert line["status"] == "ok", line
        if line.get("idle"):
            break
    assert set(world.hub.files) == {digest(body) for body in bodies}
    assert unaccounted(world) == []
    assert [world.files(name) for name in ("part", "enc", "out", "bad")] == [[], [], [], []]


def restart(world: World) -> None:
    """What a start does before anything else."""
    spool = Spool(world.inbox, SystemClock())
    with spool.locked():
        recover(spool)


def _smt(settings: Settings) -> list[str]:
    return [name for name in type(settings).model_fields if name.startswith("smt_")]
