"""Looking for alerts, measured: one look at a thousand sites, each with a meter, a unit and a pasted token.

The looks of the first minutes read every site's newest days too; afterwards a look is a handful of queries.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import structlog
from sqlalchemy import insert

from benchmarks.figures import Figure, at_most
from benchmarks.ledger import urls
from wattledger import connectors, localday
from wattledger.clock import Clock
from wattledger.config import load_settings
from wattledger.model import Flow, PointKind
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.ids import new_id
from wattledger.store.tables import connection, energy_day, site, usage_point
from wattledger.web.alerts.watcher import Watcher

SITES, DAYS, LOOKS = 1000, 40, 5
TZ = "America/Chicago"
NOW = datetime(2026, 6, 15, 17, tzinfo=UTC)
GOAL_SECONDS = 2.0


class _Clock(Clock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


def measure() -> list[Figure]:
    """One look, on both engines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures: list[Figure] = []
    with urls() as databases:
        for engine, url in databases.items():
            with TemporaryDirectory(prefix="wattledger-bench-") as folder:
                figures += asyncio.run(_engine(engine, url, Path(folder)))
    return figures


async def _engine(engine: str, url: str, folder: Path) -> list[Figure]:
    clock, vault = _Clock(), Vault({"bench": b"k" * 32})
    store = await open_store(url, data=folder, parse=connectors.parse, vault=vault, clock=clock)
    try:
        await _fill(store, vault)
        watcher = Watcher(store, load_settings(folder, {}), clock)
        first = [await _timed(watcher, clock) for _ in range(SITES // 100 + 1)]
        later = [await _timed(watcher, clock) for _ in range(LOOKS)]
    finally:
        await store.close()
    what = f"{SITES:,} sites looked at for alerts, {engine}"
    return [
        at_most(what, later, "s", GOAL_SECONDS),
        at_most(f"{what}, first looks", first, "s", 10 * GOAL_SECONDS),
    ]


async def _timed(watcher: Watcher, clock: _Clock) -> float:
    clock.at += timedelta(seconds=60)
    began = perf_counter()
    await watcher.look()
    return perf_counter() - began


async def _fill(store: Store, vault: Vault) -> None:
    last = localday.today(NOW, TZ) - 1
    values = np.full(96, 250, "<i4").tobytes()
    sites, points, links, days = [], [], [], []
    for n in range(SITES):
        id, link = new_id(), new_id()
        sites.append({"id": id, "name": f"Site {n}", "timezone": TZ, "created_at": NOW, "choices": {}})
        common = {"site": id, "timezone": TZ, "created_at": NOW, "details": {}, "choices": {}}
        for kind, number in ((PointKind.METER, 2 * n + 1), (PointKind.APPLIANCE, 2 * n + 2)):
            about = {"connector": "smart_meter_texas", "external_id": f"x{number}", "name": f"P{number}"}
            points.append({"n": number, "id": new_id(), "kind": kind.value, **about, **common})
            days += [_day(number, day, values) for day in range(last - DAYS, last)]
        text = f'{{"token": "a-{n}", "set_at": "{NOW.isoformat()}"}}'.encode()
        sealed = vault.seal(text, table="connection", row=link, column="secrets")
        links.append(_link(id, link, sealed))
    async with store.begin() as c:
        for table, rows in ((site, sites), (usage_point, points), (connection, links), (energy_day, days)):
            await c.execute(insert(table), rows)


def _link(site: str, id: str, sealed: str) -> dict[str, object]:
    return {
        "id": id, "site": site, "connector": "smartthings", "options": {}, "secrets": sealed, "state": "ok",
        "last_success": NOW + timedelta(hours=1), "created_at": NOW,
    }  # fmt: skip


def _day(point: int, day: int, values: bytes) -> dict[str, object]:
    counts = {"total_wh": 24_000, "found": 96, "estimated": 0, "derived": 0, "revision": 1, "payload": 1}
    flow = int(Flow.DELIVERED)
    return {"usage_point": point, "flow": flow, "day": day, "values": values, **counts}
