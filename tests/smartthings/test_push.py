"""Push over real sockets: events become the observations that polling would bring, whatever their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.smartthings.test_road import OurSmartThings, client, clock, collector, ours, store
from tests.smartthings.test_rotation import signed_in
from tests.turning import TurningClock
from wattledger.accounting import account, report_of
from wattledger.collect import Collector, Pace
from wattledger.faults import sabotage
from wattledger.listen import NOT_SOONER, Listener
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store import Store
from wattledger.store.sources.dispatch import ListenDispatch
from wattledger.store.sources.listening import LEASE
from wattledger.store.tables import connection as table

__all__ = ["clock", "collector", "ours", "store"]

REPORT = ("powerConsumptionReport", "powerConsumption")


@pytest.fixture
def listener(store: Store, clock: TurningClock, ours: OurSmartThings) -> Listener:
    dispatch = ListenDispatch(store.payloads, store.connections, store.listening, ["smartthings"])
    return Listener(dispatch, lambda _: ours, clock, client, Pace(pause=0.02, renew=0.1, grace=0.1))


async def until(met: Callable[[], Any], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not met():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(listener: Listener, vendor: SmartThingsSimulator) -> AsyncIterator[None]:
    stop, before = asyncio.Event(), vendor.push.opened
    task = asyncio.create_task(listener.run(stop))
    try:
        await until(lambda: vendor.push.opened > before and vendor.push.listeners)
        yield
    finally:
        stop.set()
        await task


async def connected(store: Store, vendor: SmartThingsSimulator, collector: Collector) -> str:
    row = await signed_in(store, vendor)
    await collector.once()
    return row.id


async def heard(store: Store, site: str, count: int) -> list[Any]:
    """The pushed payloads, once there are so many."""
    async with asyncio.timeout(5):
        while True:
            rows = [p for p in await store.payloads.list(site, limit=100) if p.source == "webhook"]
            if len(rows) >= count and all(row.state != "stored" for row in rows):
                return rows
            await asyncio.sleep(0.02)


def reports(vendor: SmartThingsSimulator, end: datetime, count: int) -> list[dict[str, Any]]:
    """Reports of the first unit that end five minutes apart, from `end` on."""
    unit, found = vendor.units[0], []
    for n in range(count):
        said = unit.status(end + n * unit.period)["powerConsumptionReport"]["powerConsumption"]["value"]
        found.append(said)
    return found


async def test_events_give_what_polling_would(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, listener: Listener, clock: TurningClock
) -> None:
    """Out of order, twice, and polled as well: the energy is that of the register, and so it stays."""
    await connected(store, vendor, collector)
    site, unit, began = (await store.sites.default()).id, vendor.units[0], clock.now()
    clock.turn(minutes=20)
    async with listening(listener, vendor):
        said = reports(vendor, began + unit.period, 4)
        for n in (1, 0, 3, 3, 2):
            frame = vendor.push.event(unit.id, *REPORT, said[n], clock.now())
            vendor.push.send(frame)
        assert {row.state for row in await heard(store, site, 5)} == {"read"}
    clock.turn(minutes=5)
    await collector.once()
    (point,) = [p for p in await store.points.list(site) if p.name == unit.label]
    rows = await store.observations.list(point, began - timedelta(days=1), clock.now())
    told = [r for o in sorted(rows, key=lambda o: o.payload) if (r := report_of(o.at, o.values))]
    assert len(told) == 6  # each instant once
    assert len(await heard(store, site, 5)) == 5  # and each event once, as often as it came
    _, state = account(told)
    assert state.booked == unit.register(unit.reported(clock.now())) - unit.register(unit.reported(began))

    before = await store.digest()
    assert (await store.replay()).digest == before


async def test_telemetry_and_health_carry_the_events_time(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, listener: Listener, clock: TurningClock
) -> None:
    await connected(store, vendor, collector)
    site, unit = (await store.sites.default()).id, vendor.units[0]
    at = clock.now() + timedelta(minutes=1)
    clock.turn(minutes=2)
    async with listening(listener, vendor):
        vendor.push.event(unit.id, "temperatureMeasurement", "temperature", 77, at, unit="F")
        vendor.push.event(unit.id, "tvChannel", "tvChannel", "5", at)
        vendor.push.event("stranger", "switch", "switch", "on", at)
        vendor.push.event(unit.id, *REPORT, {"energy": -1}, at)
        vendor.push.event(unit.id, "energyMeter", "energy", 5, at, unit="kWh")
        vendor.push.send(b"data: {no json\n\n: ping\n\n")
        vendor.push.health(unit.id, "OFFLINE", at)
        rows = await heard(store, site, 2)
    assert len(rows) == 2
    assert {row.received_at for row in rows} == {clock.now()}
    (point,) = [p for p in await store.points.list(site) if p.name == unit.label]
    seen = await store.observations.list(point, at, at + timedelta(seconds=1))
    assert {name: v for one in seen for name, v in one.values.items()} == {
        "temperature_c": 25, "health": "OFFLINE",
    }  # fmt: skip
    latest = (await store.observations.latest([point]))[point.n]
    assert (latest["health"].value, latest["health"].at) == ("OFFLINE", at)


@pytest.mark.parametrize("word", ["goodbye", "goobye"])
async def test_after_a_goodbye_the_stream_is_opened_again(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, listener: Listener, clock: TurningClock,
    word: str,
) -> None:  # fmt: skip
    await connected(store, vendor, collector)
    async with listening(listener, vendor):
        vendor.push.goodbye(word)
        await until(lambda: not vendor.push.listeners and not vendor.push.subscriptions)
        await asyncio.sleep(0.3)
        assert vendor.push.opened == 1  # not sooner than after a minute
        clock.turn(seconds=NOT_SOONER.total_seconds())
        await until(lambda: vendor.push.opened == 2)
    assert (await _row(store)).listen_failures == 0


async def test_cut_silent_and_refused_streams_wait_and_leave_polling_alone(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, listener: Listener,
    ours: OurSmartThings, clock: TurningClock, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    id = await connected(store, vendor, collector)
    monkeypatch.setattr(OurSmartThings, "silence", 0.2)
    async with listening(listener, vendor):
        vendor.push.cut()
        await _failures(store, 1)
        clock.turn(minutes=1)
        await _failures(store, 2)  # silence
        vendor.push.most = 0
        clock.turn(minutes=2)
        await _failures(store, 3)  # 409
        row = await _row(store)
        assert row.listen_at - clock.now() == timedelta(minutes=30)
        clock.turn(minutes=5)
        assert await collector.once() == 1
    after = await store.connections.get(id, None)
    assert (after.state, after.failures, after.last_error) == ("ok", 0, None)


async def _row(store: Store) -> Any:
    async with store.connect() as connection:
        return (await connection.execute(table.select())).one()


async def _failures(store: Store, count: int) -> None:
    async with asyncio.timeout(5):
        while (await _row(store)).listen_failures != count:
            await asyncio.sleep(0.02)


async def test_one_listens_and_polling_goes_on(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, listener: Listener, clock: TurningClock
) -> None:
    await connected(store, vendor, collector)
    async with listening(listener, vendor):
        assert await listener.dispatch.claim(5) == []
        for _ in range(2):
            clock.turn(minutes=2)
            await _renewed(store, clock)
            assert await listener.dispatch.claim(5) == []
        clock.turn(minutes=1)
        assert await collector.once() == 1
        assert vendor.push.listeners == 1


async def _renewed(store: Store, clock: TurningClock) -> None:
    """Wait until the listener has renewed its lease at the clock's present time."""
    async with asyncio.timeout(10):
        while (await _row(store)).listening_until < clock.now() + LEASE:
            await asyncio.sleep(0.02)


async def _taken_over(store: Store, listener: Listener, clock: TurningClock) -> bool:
    """Whether a listener that lost its lease can still hold on to it."""
    (first,) = await listener.dispatch.claim(1)
    clock.turn(minutes=4)
    (second,) = await listener.dispatch.claim(1)
    assert first.lease != second.lease
    return await listener.dispatch.renew(first)


async def test_a_lost_lease_is_fenced(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, listener: Listener, clock: TurningClock
) -> None:
    await connected(store, vendor, collector)
    assert not await _taken_over(store, listener, clock)


async def test_sabotage_listener_fence_is_noticed(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, listener: Listener, clock: TurningClock
) -> None:
    await connected(store, vendor, collector)
    with sabotage("listener_fence"):
        assert await _taken_over(store, listener, clock)


async def test_listening_ends_with_the_sign_in(
    vendor: SmartThingsSimulator, store: Store, collector: Collector, listener: Listener
) -> None:
    id = await connected(store, vendor, collector)
    async with listening(listener, vendor):
        secrets = {"token": vendor.issuer.pasted(), "set_at": vendor.clock.now().isoformat()}
        await store.connections.resume(id, None, secrets)
        await until(lambda: not vendor.push.listeners)
        await asyncio.sleep(0.2)
        assert vendor.push.opened == 1  # a pasted token is not pushed to
