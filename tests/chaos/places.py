"""What is done to disks, clocks, names, secrets, keys and the vendor's side."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from random import Random

import asyncssh

from tests.chaos.children import Child
from tests.chaos.faults import any_of, fault, last
from tests.chaos.world import SECRETS, World
from tests.disks import filled
from wattledger.simulators.pgp import PgpPair

JUMPS = {"a day ahead": 86_400.0, "two hours back": -7200.0, "a week ahead": 7 * 86_400.0}


def has_disks(world: World) -> bool:
    return bool(world.disks)


@fault("disk", has_disks)
async def disk_full(world: World, random: Random) -> str:
    """Of the spool or of the hub's data; sometimes who writes there dies then, and starts on a full disk."""
    name = random.choice(list(world.disks))
    ballast = await asyncio.to_thread(filled, world.disks[name])
    try:
        died = random.random() < 0.4
        if died:
            any_of(world, random, "relay" if name == "spool" else "hub").signal(signal.SIGKILL)
        await last(world, random, 2, 7)
    finally:
        ballast.unlink()
    return f"{name}{' and killed' if died else ''}"


@fault("clock")
async def clock(world: World, random: Random) -> str:
    """A jump that lasts, on one host or both; what runs there may be killed before the clock is right."""
    word = random.choice(list(JUMPS))
    hosts = random.choice([["relay"], ["hub"], ["relay", "hub"]])
    for host in hosts:
        world.turn(host, JUMPS[word])
    try:
        await last(world, random, 2, 6)
        if random.random() < 0.5:
            any_of(world, random, *hosts).signal(signal.SIGKILL)
    finally:
        for host in hosts:
            world.turn(host)
    return f"{word} ({', '.join(hosts)})"


@fault("clock")
async def names(world: World, random: Random) -> str:
    """No name is resolved on the relay's host."""
    world.turn("relay", nameless=True)
    world.to_hub.cut()
    world.to_vendor.cut()
    try:
        await last(world, random, 2, 6)
    finally:
        world.turn("relay")
    return "relay"


def _anew(children: list[Child], **changes: str) -> None:
    for child in children:
        child.env |= changes
        child.signal(signal.SIGTERM)


@fault("process")
async def revoked(world: World, random: Random) -> str:
    """The hubs know another secret than the relay for a while."""
    name = random.choice(list(SECRETS))
    _anew(world.family.of("hub"), **{name: "another-secret-of-the-run"})
    try:
        await last(world, random, 4, 8)
    finally:
        _anew(world.family.of("hub"), **{name: SECRETS[name]})
    return name


@fault("vendor")
async def refused(world: World, random: Random) -> str:
    """The vendor does not let the relay in."""
    world.vendor.sftp.faults.refuse_login = True
    world.vendor.sftp.drop_connections()
    try:
        await last(world, random, 2, 6)
    finally:
        world.vendor.sftp.faults.refuse_login = False
    return "sign-in"


@fault("vendor")
async def another_host_key(world: World, random: Random) -> str:
    """The vendor's server shows a key that is not the pinned one."""
    sftp = world.vendor.sftp
    true = sftp.host_key
    await sftp.stop()
    sftp.host_key = asyncssh.generate_private_key("ssh-ed25519")
    await sftp.restart()
    try:
        await last(world, random, 2, 6)
    finally:
        await sftp.stop()
        sftp.host_key = true
        await sftp.restart()
    return "host key"


@fault("vendor")
async def vendor_trouble(world: World, random: Random) -> str:
    """The vendor's server hangs in one of its answers, or breaks off while it is read."""
    faults = world.vendor.sftp.faults
    word = random.choice(["login", "list", "open", "read", "cut", "away"])
    if word == "away":
        await world.vendor.sftp.stop()
    elif word == "cut":
        faults.cut_at = 1000
    else:
        faults.hang.add(word)
    try:
        await last(world, random, 1, 4)
    finally:
        faults.hang.clear()
        faults.cut_at = None
        if word == "away":
            await world.vendor.sftp.restart()
    return word


@fault("pgp")
async def pgp_key(world: World, random: Random) -> str:
    """The relay's PGP key is gone, is another one, or is half a file."""
    true = world.pgp_key.read_bytes()
    word = random.choice(["gone", "another", "half"])
    world.pgp_key.unlink()
    if word != "gone":
        body = PgpPair.make().secret.encode() if word == "another" else true[: len(true) // 2]
        _written(world.pgp_key, body)
    try:
        await last(world, random, 2, 6)
    finally:
        _written(world.pgp_key, true)
    return word


def _written(path: Path, body: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(body)
    fresh.replace(path)
