"""A hub as a process of its own beside a simulated Smartcar: it can be killed and started again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from httpx2 import AsyncClient

from tests.cli.test_serve import SECONDS, Running
from tests.ev.helpers import CALLBACK
from tests.load.processes import free_port
from wattledger.cli.runtime import opened
from wattledger.config import load_settings
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_connect import ALLOW
from wattledger.store import Store


@dataclass
class Place:
    """One installation: its database, its data and the settings of its hub."""

    data: Path
    database: str
    vendor: SmartcarSimulator
    port: int
    more: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where its hub is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """What its hub is started with."""
        own = {"HOME": str(self.data), "PATH": os.environ["PATH"], "WATTLEDGER_DATA": str(self.data)}
        return {**own, "DATABASE_URL": self.database, **self.vendor.environment(), **self.more}

    @asynccontextmanager
    async def hub(self, faults: str = "") -> AsyncIterator[Running]:
        """Its hub; killed where it still lives at the end."""
        hub = Running("serve", "--port", self.port, env={**self.env, "WATTLEDGER_FAULTS": faults})
        try:
            await asyncio.to_thread(hub.line, "Wattledger is at")
            yield hub
        finally:
            if hub.process.poll() is None:
                hub.process.kill()
            await asyncio.to_thread(hub.process.wait, SECONDS)

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """Its store, as another process has it."""
        async with opened(self.data, settings=load_settings(self.data, self.env)) as runtime:
            yield runtime.store

    def browser(self, headers: dict[str, str]) -> AsyncClient:
        """Somebody at its hub."""
        return AsyncClient(base_url=self.url, headers=headers, timeout=SECONDS)


@asynccontextmanager
async def place(data: Path, database: str, **more: str) -> AsyncIterator[Place]:
    """An installation whose cars are the simulated vendor's."""
    port = free_port()
    async with SmartcarSimulator(redirect_uris=[f"http://127.0.0.1:{port}{CALLBACK}"]) as vendor:
        vendor.desk.decides = ALLOW
        data.mkdir(exist_ok=True)
        yield Place(data, database, vendor, port, more)
