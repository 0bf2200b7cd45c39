"""A connector whose usage points have schedules and allowances of their own, over the real store."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.collect.conftest import QUICK, keys
from tests.turning import TurningClock
from wattledger.collect import Collector
from wattledger.connectors.base import Account, App, Connection, Connector, Known, NextPoll
from wattledger.connectors.http import open_client
from wattledger.errors import LoginRequired, NotFound
from wattledger.faults import arm as armed
from wattledger.faults import fault, kill_at, sabotage
from wattledger.model import Observation, Parsed, Payload, PointKind, Source, UsagePoint
from wattledger.signing import Clients
from wattledger.store import Store, open_store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.dispatch import StoreDispatch

NAME = "garage"
HOUR = timedelta(hours=1)


class Garage(Connector):
    """Asks each vehicle that is due, at most `allowed` calls a month; says what it was given."""

    name = NAME
    title = "Garage"
    every = timedelta(minutes=30)
    pointwise = True
    seen: ClassVar[list[tuple[Account, Known]]] = []
    spent: ClassVar[list[int]] = []

    async def fetch(self, account: Account) -> AsyncIterator[Payload | NextPoll]:
        """One payload a vehicle."""
        for one in account.known:
            self.seen.append((account, one))
            due = one.due is None or one.due <= account.now or (account.urgent and not one.firm)
            if not due:
                yield NextPoll(one.external_id, one.due or account.now, one.firm)
                continue
            self.spent.append(await account.spend(one.external_id, int(account.options.get("calls", 2))))
            fault("garage.call")
            if account.options.get("refuses"):
                raise LoginRequired("The vendor refused.")
            yield said(one.external_id, account.now)
            status = {"asked": account.now.isoformat()}
            yield NextPoll(one.external_id, account.now + HOUR, firm=one.external_id == "b", status=status)

    def parse(self, payload: Payload) -> Parsed:
        """One observation."""
        told = json.loads(payload.body)
        point = UsagePoint(PointKind.VEHICLE, told["id"], told["id"], "UTC")
        at = datetime.fromisoformat(told["at"])
        return Parsed([point], observations=[Observation(0, at, {"soc_pct": told["soc"]})], kind="status")


def said(car: str, at: datetime) -> Payload:
    body = json.dumps({"id": car, "at": at.isoformat(), "soc": 80}).encode()
    return Payload(NAME, Source.POLL, body, at)


def registry(name: str) -> Connector:
    if name != NAME:
        raise NotFound(name)
    return Garage()


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    Garage.seen.clear()
    Garage.spent.clear()


@pytest.fixture
async def store(database_url: str, tmp_path: Path, clock: TurningClock) -> AsyncIterator[Store]:
    opened = await opened_store(database_url, tmp_path, clock)
    yield opened
    await opened.close()


async def opened_store(url: str, data: Path, clock: TurningClock) -> Store:
    return await open_store(url, data=data, parse=Garage().parse, vault=keys(), clock=clock)


def loop(
    store: Store, clients: Clients, clock: TurningClock, apps: Mapping[str, App] | None = None
) -> Collector:
    dispatch = StoreDispatch(store.payloads, store.connections, [NAME], vehicles=store.vehicles, apps=apps)
    return Collector(dispatch, registry, clock, clients, QUICK)


async def garage(store: Store, clock: TurningClock, *cars: str, **options: Any) -> ConnectionRow:
    site = await store.sites.default()
    row = await store.connections.create(site.id, NAME, options, {"mine": "canary-own"})
    for car in cars:
        await store.payloads.deliver(site.id, said(car, clock.now() - HOUR))
    await store.vehicles.link(row.id, site.id, None, cars)
    return row


async def test_each_vehicle_has_its_schedule_and_its_count(
    store: Store, clients: Clients, clock: TurningClock
) -> None:
    row = await garage(store, clock, "a", "b")
    collector = loop(store, clients, clock)
    assert await collector.once() == 1
    first = [known for _, known in Garage.seen]
    assert [(one.external_id, one.due, one.calls, one.status) for one in first] == [
        ("a", None, 0, {}), ("b", None, 0, {})
    ]  # fmt: skip
    assert first[0].latest == {"soc_pct": (80, clock.now() - HOUR)}
    cars = await store.vehicles.list(row.site)
    assert [(car.calls, car.next_poll_at, car.firm) for car in cars] == [
        (2, clock.now() + HOUR, False), (2, clock.now() + HOUR, True)
    ]  # fmt: skip
    assert cars[0].status == {"asked": clock.now().isoformat()}
    assert (await store.connections.get(row.id, None)).next_poll_at == clock.now() + HOUR / 2
    clock.turn(minutes=31)
    assert await collector.once() == 1
    assert [car.calls for car in await store.vehicles.list(row.site)] == [2, 2]  # not due yet


async def test_a_click_asks_earlier_but_not_against_a_pause(
    store: Store, clients: Clients, clock: TurningClock
) -> None:
    row = await garage(store, clock, "a", "b")
    collector = loop(store, clients, clock)
    await collector.once()
    assert isinstance(collector.dispatch, StoreDispatch)
    claimed = await collector.dispatch.claim_one(row.id)
    assert claimed is not None and await collector.collect(claimed, urgent=True) is None
    assert Garage.seen[-1][0].urgent
    assert [car.calls for car in await store.vehicles.list(row.site)] == [4, 2]


async def test_the_operators_settings_lie_under_a_connections_own(
    store: Store, clients: Clients, clock: TurningClock
) -> None:
    apps = {NAME: App({"calls": 9, "base": "x"}, {"mine": "app", "client_secret": "canary-app"})}
    await garage(store, clock, "a", calls=3)
    collector = loop(store, clients, clock, apps)
    (claimed,) = await collector.dispatch.claim(5)
    assert claimed.options == {"calls": 3, "base": "x"}
    assert claimed.secrets == {"mine": "canary-own", "client_secret": "canary-app"}
    assert "canary" not in repr(claimed) and "canary" not in repr(apps)
    assert await collector.collect(claimed) is None
    assert Garage.spent == [3]


async def test_a_vehicle_out_of_use_is_not_known(store: Store, clients: Clients, clock: TurningClock) -> None:
    row = await garage(store, clock, "a", "b")
    car = (await store.vehicles.list(row.site))[0]
    await store.vehicles.unlink(car.id, row.site)
    await loop(store, clients, clock).once()
    assert [known.external_id for _, known in Garage.seen] == ["b"]


async def test_calls_that_failed_are_counted(store: Store, clients: Clients, clock: TurningClock) -> None:
    row = await garage(store, clock, "a", refuses=True)
    await loop(store, clients, clock).once()
    assert (await store.connections.get(row.id, None)).state == "needs_login"
    assert [car.calls for car in await store.vehicles.list(row.site)] == [2]


async def test_a_lost_lease_makes_no_call(store: Store, clients: Clients, clock: TurningClock) -> None:
    row = await garage(store, clock, "a")
    collector = loop(store, clients, clock)
    (claimed,) = await collector.dispatch.claim(5)
    clock.turn(minutes=5)
    assert len(await collector.dispatch.claim(5)) == 1
    error = await collector.collect(claimed)
    assert error is not None and "taken this connection over" in str(error)
    assert Garage.spent == [] and (await store.vehicles.list(row.site))[0].calls == 0


async def test_without_vehicles_a_process_says_so(
    store: Store, clients: Clients, clock: TurningClock
) -> None:
    row = await garage(store, clock, "a")
    dispatch = StoreDispatch(store.payloads, store.connections, [NAME])
    await Collector(dispatch, registry, clock, clients, QUICK).once()
    assert (await store.connections.get(row.id, None)).state == "misconfigured"


async def test_a_call_is_counted_before_it_is_made(
    store: Store, database_url: str, tmp_path: Path, clock: TurningClock
) -> None:
    row = await garage(store, clock, "a")
    die_in_a_call(database_url, tmp_path)
    assert [car.calls for car in await store.vehicles.list(row.site)] == [2]


async def test_sabotage_spend_first_is_noticed(
    store: Store, database_url: str, tmp_path: Path, clock: TurningClock
) -> None:
    row = await garage(store, clock, "a")
    with sabotage("spend_first"):
        die_in_a_call(database_url, tmp_path)
    assert [car.calls for car in await store.vehicles.list(row.site)] == [0]


def die_in_a_call(url: str, data: Path) -> None:
    """A process that is killed while it calls the vendor."""
    child = os.fork()
    if not child:
        try:
            armed("garage.call", kill_at(1))
            with asyncio.Runner() as runner:
                runner.run(_collect(url, data))
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


async def _collect(url: str, data: Path) -> None:
    clock = TurningClock()
    store = await opened_store(url, data, clock)
    await loop(store, _nowhere, clock).once()


def _nowhere(_connection: Connection, _token: Any) -> Any:
    return open_client("http://127.0.0.1:9")
