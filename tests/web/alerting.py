"""A store whose alerts are looked for: what a test of alerts needs, whatever it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tests.payloads import smt
from tests.web.helpers import FakeClock
from wattledger.errors import TryLater
from wattledger.model import Payload, Source
from wattledger.store import Store
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.web.alerts.watcher import Watcher

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ROOM = (1 << 40, 0, 1 << 39)


@dataclass
class World:
    """A store, its clock, and somebody who looks."""

    store: Store
    clock: FakeClock
    watcher: Watcher

    async def look(self, after: timedelta = timedelta()) -> list[tuple[str, str]]:
        """Look every four minutes for that long; what is open at the end."""
        await self.watcher.look()
        for _ in range(after // (4 * MINUTE)):
            self.clock.move(4 * MINUTE)
            await self.watcher.look()
        rows = await self.store.alerts.open(DEFAULT_SITE)
        return [(row.kind, row.level) for row in rows]

    async def deliver(self, *days: smt.Day, source: Source = Source.RELAY) -> None:
        body = smt.csv(*days)
        filed = Payload("smart_meter_texas", source, body, self.clock.now(), "x.csv")
        assert (await self.store.payloads.deliver(DEFAULT_SITE, filed)).state == "read"

    async def connect(self, age: timedelta = timedelta(), pasted: bool = True) -> str:
        secrets = {"token": "a-1", "set_at": (self.clock.now() - age).isoformat()} if pasted else {}
        made = await self.store.connections.create(DEFAULT_SITE, "smartthings", {}, secrets)
        await self.succeed(made.id)
        return made.id

    async def succeed(self, id: str, error: TryLater | None = None) -> None:
        claimed = await self.store.connections.claim_one(id)
        assert claimed is not None
        await self.store.connections.settle(id, claimed.lease, error, self.clock.now() + 5 * MINUTE)
