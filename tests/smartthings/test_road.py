"""The whole road: simulator, collector, store, and energy that adds up to what the units counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.payloads.smartthings import air_conditioner, device
from tests.smartthings.conftest import QUICK
from tests.turning import TurningClock
from wattledger.accounting import Report, account, report_of
from wattledger.collect import Collector
from wattledger.collect import Pace as LoopPace
from wattledger.connectors.base import Connection, Token
from wattledger.connectors.http import open_client
from wattledger.connectors.smartthings import SmartThings
from wattledger.connectors.smartthings.auth import Grants
from wattledger.connectors.smartthings.fetch import Memory
from wattledger.model import MISSING
from wattledger.secrets import Vault
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.spreading import spread
from wattledger.store import Store, open_store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.dispatch import StoreDispatch

NOON = datetime(2026, 7, 4, 17, 0, 30, tzinfo=UTC)


class OurSmartThings(SmartThings):
    """The connector by the test's clock."""

    pace = QUICK

    def __init__(self, clock: TurningClock) -> None:
        type(self).grant, type(self).memory = Grants(clock), Memory()


def client(connection: Connection, token: Token | None) -> AbstractAsyncContextManager[AsyncClient]:
    http = open_client(str(connection.options["base_url"]))
    if token:
        http.headers["Authorization"] = f"Bearer {token.access}"
    return http


@pytest.fixture
def clock() -> TurningClock:
    clock = TurningClock()
    clock.turn(seconds=(NOON - clock.now()).total_seconds())
    return clock


@pytest.fixture
def ours(clock: TurningClock) -> OurSmartThings:
    return OurSmartThings(clock)


@pytest.fixture
async def store(
    database_url: str, tmp_path: Path, clock: TurningClock, ours: OurSmartThings
) -> AsyncIterator[Store]:
    vault = Vault({"a": b"k" * 32})
    opened = await open_store(database_url, data=tmp_path, parse=ours.parse, vault=vault, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def collector(store: Store, clock: TurningClock, ours: OurSmartThings) -> Collector:
    dispatch = StoreDispatch(store.payloads, store.connections, ["smartthings"])
    return Collector(dispatch, lambda _: ours, clock, client, LoopPace(refresh_again=(0.01,)))


async def connect(store: Store, vendor: SmartThingsSimulator, token: str | None = None) -> ConnectionRow:
    site = await store.sites.default()
    now = vendor.clock.now().isoformat()
    secrets = {"token": token or vendor.issuer.pasted(), "set_at": now}
    return await store.connections.create(site.id, "smartthings", {"base_url": vendor.url}, secrets)


async def reports(store: Store, site: str) -> dict[str, list[Report]]:
    """By usage point's name, in receive order."""
    found = {}
    for point in await store.points.list(site):
        rows = await store.observations.list(point, NOON - timedelta(days=2), NOON + timedelta(days=2))
        told = [r for o in sorted(rows, key=lambda o: o.payload) if (r := report_of(o.at, o.values))]
        found[point.name] = told
    return found


async def test_an_afternoon_adds_up(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, clock: TurningClock
) -> None:
    row = await connect(store, vendor)
    first = clock.now()
    for _ in range(13):
        assert await collector.once() == 1
        after = await store.connections.get(row.id, None)
        assert after.state == "ok", after.last_error
        assert after.next_poll_at
        assert (after.next_poll_at.minute % 5, after.next_poll_at.second) == (0, 0)
        assert after.next_poll_at - clock.now() <= timedelta(minutes=5)
        clock.turn(seconds=(after.next_poll_at - clock.now()).total_seconds() + 30)
    heard = await reports(store, row.site)
    for unit in vendor.units:
        told, state = account(heard[unit.label])
        last = unit.register(unit.reported(first) + timedelta(hours=1))
        assert state.booked == last - unit.register(unit.reported(first))
        assert [str(one.verdict) for one in told] == ["baseline"] + ["ok"] * 12
        days = spread([one.booking for one in told if one.booking], "America/Chicago")
        assert days.values[days.values != MISSING].sum() == state.booked
    zones = {p.timezone for p in await store.points.list(row.site)}
    assert zones == {"America/Chicago"}


async def test_polling_again_and_again_adds_nothing(
    vendor: SmartThingsSimulator, store: Store, collector: Collector
) -> None:
    row = await connect(store, vendor)
    for _ in range(3):
        await collector.once()
        await store.connections.resume(row.id, None)
    heard = await reports(store, row.site)
    assert all(len(told) == 1 for told in heard.values())
    assert len(await store.payloads.list(row.site, limit=10)) == 3  # every poll is a payload


async def test_troubles_are_kept_and_shown_as_observations(
    vendor: SmartThingsSimulator, store: Store, collector: Collector
) -> None:
    vendor.together = False
    vendor.add(device("bad", "Broken AC"), {"main": air_conditioner()})
    vendor.add(device("slow", "Slow AC"), {"main": air_conditioner()})
    vendor.script.html("/bad/status", 503)
    vendor.script.slow("/slow/status", 2)
    row = await connect(store, vendor)
    await collector.once()
    after = await store.connections.get(row.id, None)
    assert (after.state, after.last_error) == ("ok", None)
    told: dict[str, Any] = {}
    for point in await store.points.list(row.site):
        for one in await store.observations.list(point, NOON, NOON + timedelta(seconds=1)):
            if "fetch_message" in one.values:
                told[point.name] = one.values["fetch_code"]
    assert told == {"Broken AC": 503, "Slow AC": None}
    states = {p.state for p in await store.payloads.list(row.site, limit=20)}
    assert states == {"read"}


async def test_a_pasted_token_ends_polling_pauses_and_a_new_one_resumes(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, clock: TurningClock
) -> None:
    row = await connect(store, vendor)
    await collector.once()
    clock.turn(hours=24)
    vendor.calls.clear()
    await collector.once()
    stopped = await store.connections.get(row.id, None)
    assert (stopped.state, vendor.calls) == ("needs_login", [])
    assert "24 hours" in str(stopped.last_error)
    clock.turn(hours=5)
    assert await collector.once() == 0
    secrets = {"token": vendor.issuer.pasted(), "set_at": clock.now().isoformat()}
    await store.connections.resume(row.id, None, secrets)
    await collector.once()
    assert (await store.connections.get(row.id, None)).state == "ok"
    assert vendor.asked("/devices") == 1


async def test_a_new_token_is_used_at_once_though_the_old_one_lives(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, clock: TurningClock
) -> None:
    row = await connect(store, vendor)
    await collector.once()
    fresh = vendor.issuer.pasted()
    secrets = {"token": fresh, "set_at": clock.now().isoformat()}
    await store.connections.resume(row.id, None, secrets)
    await collector.once()
    assert vendor.calls[-1].headers["authorization"] == f"Bearer {fresh}"


async def test_a_token_that_the_vendor_refuses_is_not_hammered(
    vendor: SmartThingsSimulator, store: Store, collector: Collector
) -> None:
    row = await connect(store, vendor, "never-issued")
    await collector.once()
    assert (await store.connections.get(row.id, None)).state == "needs_login"
    assert vendor.asked("/devices") == 1


async def test_a_429_sets_the_next_poll(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, clock: TurningClock
) -> None:
    vendor.script.throttle("/v1/devices", 40585)
    row = await connect(store, vendor)
    await collector.once()
    after = await store.connections.get(row.id, None)
    assert after.next_poll_at == clock.now() + timedelta(milliseconds=40585)
    clock.turn(seconds=41)
    await collector.once()
    assert (await store.connections.get(row.id, None)).state == "ok"
