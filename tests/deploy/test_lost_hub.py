"""A hub's host is lost some time after its backup: what the new one lacks, and what comes back.

The relay's host goes on. What it holds without a receipt reaches the new hub by itself. What has a receipt
younger than the backup is fetched anew once the relay's memory is moved aside, as docs/backup.md says.
Polled readings come once; a unit's counter has their energy all the same.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from benchmarks import road

from tests.deploy.test_restore_drill import ENGINES, Record, command, urls
from tests.turns import minutes
from wattledger import connectors
from wattledger.connectors.smartthings.devices import Places
from wattledger.connectors.smartthings.fetch import NAME
from wattledger.connectors.smartthings.parse import DEVICES
from wattledger.model import Flow, Payload, PointKind, Source
from wattledger.relay.service import Relay
from wattledger.secrets import Vault
from wattledger.simulators.home import CENTRAL, Day, Home
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store import Store, open_store

SMALL, LARGE = 4, int(60 * max(1, minutes()))
"""files, and polls, before the backup; as many after it; as many while no hub is there"""
HOME, FIRST = Home(), date(2020, 1, 1)
NOON, EVERY = datetime(2025, 7, 15, 17, tzinfo=UTC), timedelta(minutes=5)


@dataclass
class Drill:
    """The vendor, the relay's folder, and the days and polls still to come."""

    folder: Path
    vendor: SmtSimulator
    count: int
    polled: int = 0

    def __post_init__(self) -> None:
        self.units = SmartThingsSimulator()
        self.days: Iterator[Day] = iter(list(HOME.days(FIRST, 3 * self.count)))

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    def acknowledged(self) -> set[str]:
        """The sha256 of every payload that has a receipt, whatever relay holds it."""
        receipts = self.folder.glob("inbox/done*/*.receipt")
        return {json.loads(path.read_bytes())["sha256"] for path in receipts}

    async def deliver(self, runs: Relay) -> int:
        """Some more files; how many of them came to a hub."""
        for _ in range(self.count):
            self.vendor.drop_file(HOME, [next(self.days)])
        return int((await runs.run_once())["sent"])

    async def poll(self, store: Store, times: int) -> None:
        """What the units say at some further instants."""
        site = (await store.sites.default()).id
        for _ in range(times):
            when = NOON + self.polled * EVERY
            places = {"places": Places(CENTRAL, {}).to_header()}
            body = self.units.list_at(when, EVERY)
            said = Payload(NAME, Source.POLL, body, when, DEVICES, "application/json", places)
            await store.payloads.deliver(site, said)
            self.polled += 1

    def energy(self) -> int:
        """Wh that the units' counters moved by from the first poll to the last."""
        last = NOON + (self.polled - 1) * EVERY
        return sum(unit.register(last) - unit.register(NOON) for unit in self.units.units)


@asynccontextmanager
async def opened(url: str, data: Path) -> AsyncIterator[Store]:
    store = await open_store(url, data=data, parse=connectors.parse, vault=Vault({}))
    try:
        yield store
    finally:
        await store.close()


async def kept(store: Store) -> Counter[str]:
    """How many payloads there are of each sha256."""
    return Counter(row.sha256 for row in await store.payloads.list(None, limit=100_000))


async def booked(store: Store) -> tuple[int, int]:
    """(Wh of the meter, Wh of the units)."""
    meter = units = 0
    for point in await store.points.list(None):
        wh = (await store.energy.coverage(point, Flow.DELIVERED)).total_wh
        meter, units = (meter, units + wh) if point.kind == PointKind.APPLIANCE else (meter + wh, units)
    return meter, units


async def lose(drill: Drill, url: str, data: Path) -> None:
    """A home is backed up, goes on for a while, and is lost with its host."""
    data.mkdir()
    with road.hub(data, DATABASE_URL=url, WATTLEDGER_DATA=str(data)) as to:
        async with road.relay(drill.folder, drill.vendor, to) as runs, opened(url, data) as store:
            assert await drill.deliver(runs) == drill.count
            await drill.poll(store, drill.count)
            command("backup", drill.folder / "home.tar", data=data, url=url)
            assert await drill.deliver(runs) == drill.count
            await drill.poll(store, drill.count)
            os.kill(to.pid, signal.SIGKILL)
            assert await drill.deliver(runs) == 0


async def recover(drill: Drill, url: str, data: Path, record: Record) -> None:
    """The backup on another host; each step brings back what it can, and that is counted."""
    acknowledged = drill.acknowledged()
    data.mkdir()
    command("restore", drill.folder / "home.tar", data=data, url=url)
    with road.hub(data, DATABASE_URL=url, WATTLEDGER_DATA=str(data)) as to:
        async with opened(url, data) as store:
            lost = acknowledged - (await kept(store)).keys()
            assert len(lost) == drill.count
            record("files_acknowledged", len(acknowledged))
            record("of_them_not_in_the_backup", len(lost))
            async with road.relay(drill.folder, drill.vendor, to) as runs:
                record("files_without_a_receipt_brought_by_the_relay", int((await runs.run_once())["sent"]))
            assert lost.isdisjoint(await kept(store)), "what has a receipt is not sent by itself"
            for name in ("ledger", "done"):
                (drill.inbox / name).rename(drill.inbox / f"{name}.before")
            async with road.relay(drill.folder, drill.vendor, to) as runs:
                assert (await runs.run_once())["status"] == "ok"
            await whole(drill, store, acknowledged, record)


async def whole(drill: Drill, store: Store, acknowledged: set[str], record: Record) -> None:
    """No file is missing or doubled, each watt-hour is there; the gap's readings are not."""
    found = await kept(store)
    assert acknowledged | drill.acknowledged() <= found.keys() and max(found.values()) == 1
    await drill.poll(store, 1)
    assert await booked(store) == (drill.vendor.expected_wh(HOME.esiid), drill.energy())
    record("lost_once_the_relay_has_fetched_anew", len(acknowledged - found.keys()))
    polls = sum(row.source == Source.POLL for row in await store.payloads.list(None, limit=100_000))
    record("polls_lost_for_good", drill.polled - polls)
    record("Wh_lost", drill.energy() - (await booked(store))[1])
    assert drill.polled - polls == drill.count


@pytest.mark.parametrize("count", [SMALL, pytest.param(LARGE, marks=pytest.mark.soak)])
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_hub_lost_after_its_backup(
    engine: str, count: int, request: pytest.FixtureRequest, tmp_path: Path, record_property: Record
) -> None:
    before, after = urls(request, engine, tmp_path)
    async with SmtSimulator(tmp_path / "utility", [HOME]) as vendor:
        drill = Drill(tmp_path, vendor, count)
        await lose(drill, before, tmp_path / "a")
        await recover(drill, after, tmp_path / "b", record_property)
