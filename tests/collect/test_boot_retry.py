"""From the start of a hub to the repeated refresh that a killed process had left unfinished, by the clock."""

from __future__ import annotations

import asyncio
import os
import sys
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import update

from tests.smartcar.test_road import connected as car_connected
from tests.smartthings.test_rotation import signed_in
from tests.turns import turns
from wattledger import connectors
from wattledger.clock import SystemClock
from wattledger.secrets import Vault
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store import Store, open_store
from wattledger.store.tables import vehicle

GRACE = MOST_SECONDS = 20.0
KEY = b"k" * 32
VENDORS = {"smartthings": SmartThingsSimulator, "smartcar": SmartcarSimulator}
Record = Callable[[str, object], None]


@dataclass
class Scene:
    """A vendor, a store with one connection to it, and how our processes find both."""

    vendor: Any
    store: Store
    connection: str
    env: dict[str, str]

    async def run(self, *words: str, faults: str = "") -> asyncio.subprocess.Process:
        """A process of ours."""
        nowhere = asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wattledger", *words,
            env={**self.env, "WATTLEDGER_FAULTS": faults}, stdout=nowhere, stderr=nowhere,
        )  # fmt: skip

    def refreshes(self) -> int:
        return int(self.vendor.asked("/oauth/token"))

    async def unfinished(self) -> bool:
        async with self.store.connections.token(self.connection) as slot:
            return slot.unfinished


@asynccontextmanager
async def scene(name: str, url: str, folder: Path) -> AsyncIterator[Scene]:
    clock = SystemClock()
    vendor: Any = VENDORS[name](clock=clock)
    vault = Vault({"a": KEY})
    async with vendor:
        store = await open_store(url, data=folder, parse=connectors.parse, vault=vault, clock=clock)
        if name == "smartthings":
            row, settings = await signed_in(store, vendor), vendor.environment()
        else:
            row, settings = await car_connected(store, vendor, clock), vendor.environment("v2")  # type: ignore[arg-type]
        vendor.issuer.grace = GRACE
        own = {"HOME": str(folder), "PATH": os.environ["PATH"], "WATTLEDGER_DATA": str(folder)}
        keys = f"a:{urlsafe_b64encode(KEY).decode()}"
        env = {**settings, **own, "WATTLEDGER_KEYS": keys, "DATABASE_URL": url}
        yield Scene(vendor, store, row.id, env)
        await store.close()


async def crash(here: Scene) -> None:
    """A collector is killed once the vendor has answered its refresh, before it has kept the answer."""
    here.vendor.issuer.access.clear()
    async with here.store.begin() as rows:  # a car that was asked a moment ago is due again
        await rows.execute(update(vehicle).values(next_poll_at=None, status={}))
    victim = await here.run("poll", here.connection, faults="kill:hub.before_token_commit")
    assert await victim.wait() == -9
    assert await here.unfinished()


async def retried(here: Scene) -> float:
    """Seconds from the start of a hub to its repetition of the refresh; the account works then."""
    before, began = here.refreshes(), monotonic()
    hub = await here.run("serve", "--port", "0")
    try:
        async with asyncio.timeout(60):
            while here.refreshes() == before:
                await asyncio.sleep(0.02)
            took = monotonic() - began
            while await here.unfinished():
                await asyncio.sleep(0.05)
    finally:
        hub.terminate()
        await hub.wait()
    assert (await here.store.connections.get(here.connection, None)).state != "needs_login"
    return took


@pytest.mark.parametrize(
    ("name", "most"), [("smartthings", 1), *(pytest.param(n, 1000, marks=pytest.mark.soak) for n in VENDORS)]
)
async def test_a_start_repeats_what_was_left_unfinished(
    name: str, most: int, database_url: str, tmp_path: Path, record_property: Record
) -> None:
    slowest = 0.0
    async with scene(name, database_url, tmp_path) as here:
        boots = 0
        for _ in turns(most, share=0.25):
            boots += 1
            await crash(here)
            slowest = max(slowest, await retried(here))
    record_property("boots_after_a_crash", boots)
    record_property("boot_to_retry_p100_s", round(slowest, 1))
    record_property("accounts_lost", 0)
    assert slowest <= MOST_SECONDS
