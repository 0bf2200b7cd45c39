"""A fleet in a ledger: files of a generated fleet, with days of 92 and 100 quarter-hours, gaps, revisions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from wattledger import connectors
from wattledger.fleet.plan import Done
from wattledger.fleet.run import Order, Planned, of_lake, of_ledger
from wattledger.fleet.work import work
from wattledger.model import Payload, Source
from wattledger.secrets import Vault
from wattledger.simulators.fleet import Fleet
from wattledger.simulators.home import Home
from wattledger.simulators.smt_files import interval_csv
from wattledger.store import Store, open_store

T = TypeVar("T")
NOW = datetime(2026, 5, 1, 12, 7, tzinfo=UTC)
DAYS = (date(2025, 10, 31), date(2025, 11, 2), date(2026, 3, 8))


class Noon:
    """The clock of every question."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@dataclass
class World:
    """An installation of which only one process at a time has the store open."""

    url: str
    data: Path

    def run(self, work_: Callable[[Store], Awaitable[T]]) -> T:
        """Something with the store."""

        async def inside() -> T:
            store = await open_store(
                self.url, data=self.data, parse=connectors.parse, vault=Vault({}), clock=Noon()
            )
            try:
                return await work_(store)
            finally:
                await store.close()

        return asyncio.run(inside())

    def order(self, verb: str, **more: object) -> Order:
        """What a command would ask for; small partitions."""
        return Order(verb, self.data, **{"size": 90, **more})  # type: ignore[arg-type]

    def planned(self, order: Order) -> Planned:
        """The tasks of an order."""
        if order.source:
            return of_lake(order, NOW.timestamp())
        return self.run(lambda store: of_ledger(store, order, NOW.timestamp()))

    def here(self, order: Order) -> list[Done]:
        """All tasks of an order, one after the other in this process."""
        return [work(task) for task in self.planned(order).tasks]


def bodies() -> list[bytes]:
    """The deliveries: a fleet's three days, one corrected, a day cut off, and a home with solar."""
    fleet = Fleet(210, seed=5, revised=0.2)
    made = [one.body for day in DAYS for one in fleet.night(day)]
    made += [one.body for one in fleet.night(DAYS[1], corrected=True)]
    lines = fleet.file(range(3), 20600).splitlines(keepends=True)
    made.append(b"".join(lines[:31] + lines[60:]))
    solar = Home("10443720009999999", 3, solar=True)
    made.append(interval_csv(solar, list(solar.days(date(2026, 1, 30), 4))))
    return made


async def fill(store: Store) -> None:
    """Deliver everything."""
    site = (await store.sites.default()).id
    for body in bodies():
        said = Payload("smart_meter_texas", Source.RELAY, body, NOW)
        assert (await store.payloads.deliver(site, said)).state == "read"
