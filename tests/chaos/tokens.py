"""What is done to the vendors that hubs poll, and to those who refresh tokens there."""

from __future__ import annotations

import asyncio
import signal
from random import Random
from time import monotonic

from tests.chaos.faults import any_of, fault, last
from tests.chaos.world import World

TOKEN = "/oauth/token"


def polled(world: World) -> bool:
    return world.vendors is not None


@fault("tokens", polled)
async def tokens_forgotten(world: World, random: Random) -> str:
    """Access tokens are refused: all that collect want new ones, of which each refresh gives one."""
    assert world.vendors
    world.vendors.forget()
    await last(world, random, 1, 3)
    return "refused"


@fault("tokens", polled)
async def killed_in_a_refresh(world: World, random: Random) -> str:
    """The vendor has answered, or is about to: everybody who could hear it dies."""
    assert world.vendors
    asked, begin = world.vendors.asked(TOKEN), monotonic()
    vendors = (world.vendors.smartthings, world.vendors.smartcar)
    for vendor in vendors:
        vendor.script.delay = 0.5
    try:
        world.vendors.forget()
        while world.vendors.asked(TOKEN) == asked and monotonic() < begin + 6 * world.plan.pace:
            await asyncio.sleep(0.01)
        await asyncio.sleep(random.uniform(0.0, 0.6))
        for child in world.family.of("hub", "worker"):
            child.signal(signal.SIGKILL)
    finally:
        for vendor in vendors:
            vendor.script.delay = 0.0
    return "asked" if world.vendors.asked(TOKEN) > asked else "nobody asked"


@fault("tokens", polled)
async def refresh_unheard(world: World, random: Random) -> str:
    """Both vendors use up the refresh token, and their answer is lost; perhaps the next one as well."""
    assert world.vendors
    times = random.choice([1, 2])
    for vendor in (world.vendors.smartthings, world.vendors.smartcar):
        vendor.script.lose(TOKEN, times)
    world.vendors.forget()
    await last(world, random, 2, 5)
    return f"{times} times"


@fault("vendors", polled)
async def vendors_in_trouble(world: World, random: Random) -> str:
    """They throttle, answer pages for people, are slow, or say 503 to everything."""
    assert world.vendors
    word = random.choice(["429", "html", "slow", "503"])
    for vendor, path in ((world.vendors.smartthings, "/devices"), (world.vendors.smartcar, "/vehicles")):
        if word == "429":
            vendor.script.throttle(path, 1000 if path == "/devices" else 1, times=3)
        elif word == "html":
            vendor.script.html(path, times=3)
        elif word == "slow":
            vendor.script.slow(path, 1.0, times=3)
        else:
            vendor.script.fail("/", 503, times=20)
    await last(world, random, 1, 4)
    for script in (world.vendors.smartthings.script, world.vendors.smartcar.script):
        script.faults.clear()
    return word


@fault("process", polled)
async def collector_stopped(world: World, random: Random) -> str:
    """Who collects stands still for longer than it may hold an account, and goes on as if nothing was."""
    assert world.vendors
    child = any_of(world, random, "hub", "worker")
    world.vendors.forget()
    child.signal(signal.SIGSTOP)
    try:
        await last(world, random, 4, 12)
    finally:
        child.signal(signal.SIGCONT)
    return child.name
