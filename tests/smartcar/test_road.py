"""The whole road on both databases: refreshes under many hands, lost answers, deaths, settings put right."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pytest

from tests.smartcar.driver import EXTERNAL, ours
from tests.turning import TurningClock
from wattledger import connectors
from wattledger.cli.collector import clients as clients_of
from wattledger.cli.vendor_apps import apps_of
from wattledger.collect import Collector, Pace
from wattledger.config import Settings, load_settings
from wattledger.connectors.base import Connection
from wattledger.connectors.http import open_client
from wattledger.connectors.smartcar import Smartcar
from wattledger.connectors.smartcar.auth import V2
from wattledger.faults import arm, disarm, sabotage
from wattledger.model import Payload, PointKind, Source
from wattledger.secrets import Vault
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.store import Store, open_store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.dispatch import StoreDispatch, stored_token

FORK = multiprocessing.get_context("fork")
QUICK = Pace(width=8, pause=0.05, renew=0.5, deadline=20, grace=0.2, refresh_again=(0.01, 0.01, 0.01))
KEYS = Vault({"a": b"k" * 32})


@pytest.fixture
async def store(database_url: str, tmp_path: Path, clock: TurningClock) -> AsyncIterator[Store]:
    opened = await open_store(database_url, data=tmp_path, parse=connectors.parse, vault=KEYS, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def connector(clock: TurningClock) -> Smartcar:
    return ours(clock)


def settings_of(vendor: SmartcarSimulator, data: Path, api: str = "v2") -> Settings:
    return load_settings(data, vendor.environment(api))


def loop_of(store: Store, settings: Settings, connector: Smartcar, clock: TurningClock) -> Collector:
    """A collector as the hub wires it, by the test's clock and connector."""
    dispatch = StoreDispatch(
        store.payloads, store.connections, ["smartcar"], vehicles=store.vehicles, apps=apps_of(settings)
    )
    return Collector(dispatch, lambda _: connector, clock, clients_of(settings), QUICK)


async def connected(
    store: Store, vendor: SmartcarSimulator, clock: TurningClock, api: str = "v2"
) -> ConnectionRow:
    """A connection as after the owner's consent: its cars are usage points and linked."""
    code, token = vendor.link(external_id=EXTERNAL), None
    if api == "v2":
        app = V2(vendor.client_id, vendor.issuer.client_secret, vendor.redirect_uris[0], clock=clock)
        async with open_client(vendor.url) as http:
            token = stored_token(await app.exchange(code, http))
    site = await store.sites.default()
    about = {"api": api, "mode": "live", "timezone": "America/Chicago"}
    about |= {"user_id": vendor.user, "external_id": EXTERNAL} if api == "v3" else {}
    row = await store.connections.create(site.id, "smartcar", about, {"api": api}, token=token)
    for id in vendor.garage.vehicles:
        body = b'{"id": "%s", "make": "TESLA", "model": "Model 3", "year": 2021}' % id.encode()
        headers = {"timezone": "America/Chicago"}
        await store.payloads.deliver(
            site.id, Payload("smartcar", Source.POLL, body, clock.now(), "vehicle.json", "", headers)
        )
    await store.vehicles.link(row.id, site.id, None, list(vendor.garage.vehicles))
    return row


@pytest.mark.parametrize("api", ["v2", "v3"])
async def test_a_day_of_collecting(
    store: Store,
    vendor: SmartcarSimulator,
    connector: Smartcar,
    clock: TurningClock,
    tmp_path: Path,
    api: str,
) -> None:
    row = await connected(store, vendor, clock, api)
    loop = loop_of(store, settings_of(vendor, tmp_path, api), connector, clock)
    for _ in range(48):
        await loop.once()
        clock.turn(minutes=30)
    assert (await store.connections.get(row.id, None)).state == "ok"
    (car,) = await store.vehicles.list(None)
    (point,) = await store.points.list(None)
    assert point.kind == PointKind.VEHICLE
    latest = (await store.observations.latest([point]))[point.n]
    assert 0 <= latest["soc_pct"].value <= 100
    assert car.calls == vendor.billed(car.external_id) > 0
    assert await store.observations.position(point) is not None
    assert bool(car.status.get("subscription")) is (api == "v3")


async def test_eight_at_once_make_one_refresh_a_round(
    store: Store, vendor: SmartcarSimulator, connector: Smartcar, clock: TurningClock, tmp_path: Path
) -> None:
    await connected(store, vendor, clock)
    loop = loop_of(store, settings_of(vendor, tmp_path), connector, clock)
    assert connector.grant
    (held,) = await loop.dispatch.claim(1)
    rounds, vendor.calls[:] = 10, []
    for _ in range(rounds):
        clock.turn(hours=2)
        tokens = await asyncio.gather(*(loop.sign_in(connector.grant, held) for _ in range(8)))
        assert len({token.access for token in tokens}) == 1
        assert vendor.issuer.user(tokens[0].access) == vendor.user
    assert vendor.asked("/oauth/token") == rounds


@pytest.mark.parametrize("grace", [60, 0])
async def test_a_lost_answer_is_recovered_within_the_grace(
    store: Store,
    vendor: SmartcarSimulator,
    connector: Smartcar,
    clock: TurningClock,
    tmp_path: Path,
    grace: float,
) -> None:
    row = await connected(store, vendor, clock)
    vendor.issuer.grace = grace if grace else -1
    vendor.script.lose("/oauth/token")
    clock.turn(hours=2)
    await loop_of(store, settings_of(vendor, tmp_path), connector, clock).once()
    forms = [call.form for call in vendor.calls if call.path == "/oauth/token"]
    assert forms[-1] == forms[-2]  # the same refresh token again
    assert (await store.connections.get(row.id, None)).state == ("ok" if grace else "needs_login")


async def test_a_dead_grant_is_asked_once(
    store: Store, vendor: SmartcarSimulator, connector: Smartcar, clock: TurningClock, tmp_path: Path
) -> None:
    row = await connected(store, vendor, clock)
    vendor.issuer.revoke()
    loop = loop_of(store, settings_of(vendor, tmp_path), connector, clock)
    for _ in range(5):
        clock.turn(hours=3)
        await loop.once()
    assert (await store.connections.get(row.id, None)).state == "needs_login"
    assert vendor.asked("/oauth/token") == 2  # the exchange, and one refresh


async def sign_in(url: str, data: Path, settings: Settings, about: Connection, hours: float) -> str:
    """What one process does: open the store, get a token. Returns it."""
    clock = TurningClock()
    clock.turn(hours=hours)
    store = await open_store(url, data=data, parse=connectors.parse, vault=KEYS, clock=clock)
    connector = ours(clock)
    assert connector.grant
    token = await loop_of(store, settings, connector, clock).sign_in(connector.grant, about)
    await store.close()
    return token.access


def signing_in(pipe: Pipe, *about: object) -> None:
    pipe.send(asyncio.run(sign_in(*about)))  # type: ignore[arg-type]


async def test_four_processes_make_one_refresh(
    database_url: str,
    store: Store,
    vendor: SmartcarSimulator,
    connector: Smartcar,
    clock: TurningClock,
    tmp_path: Path,
) -> None:
    await connected(store, vendor, clock)
    settings = settings_of(vendor, tmp_path)
    (held,) = await loop_of(store, settings, connector, clock).dispatch.claim(1)
    vendor.script.delay, vendor.calls[:] = 0.2, []
    clock.turn(hours=2)
    ours_, theirs = FORK.Pipe()
    about = (theirs, database_url, tmp_path, settings, held, 2.0)
    children = [FORK.Process(target=signing_in, args=about) for _ in range(4)]
    for child in children:
        child.start()
    tokens = {await asyncio.to_thread(ours_.recv) for _ in children}
    for child in children:
        await asyncio.to_thread(child.join)
    assert len(tokens) == 1
    assert vendor.issuer.user(tokens.pop()) == vendor.user
    assert vendor.asked("/oauth/token") == 1


async def killed_before_commit(
    store: Store, vendor: SmartcarSimulator, connector: Smartcar, clock: TurningClock, data: Path
) -> str:
    """The state of a connection whose refresh was answered, but not committed before its process died."""
    row = await connected(store, vendor, clock)
    settings = settings_of(vendor, data)
    loop = loop_of(store, settings, connector, clock)
    clock.turn(hours=2)
    (held,) = await loop.dispatch.claim(1)

    class Died(BaseException):
        """As a process dies: nothing of ours runs after it."""

    def die() -> None:
        raise Died

    arm("hub.before_token_commit", die)
    try:
        with pytest.raises(Died):
            assert connector.grant
            await loop.sign_in(connector.grant, held)
    finally:
        disarm()
    clock.turn(seconds=30)
    await loop.once()
    if (await store.connections.get(row.id, None)).state == "never":
        clock.turn(minutes=5)
        await loop.once()
    return (await store.connections.get(row.id, None)).state


async def test_a_death_between_answer_and_commit_locks_nobody_out(
    store: Store, vendor: SmartcarSimulator, connector: Smartcar, clock: TurningClock, tmp_path: Path
) -> None:
    assert await killed_before_commit(store, vendor, connector, clock, tmp_path) == "ok"


async def test_sabotage_refresh_note_locks_the_owner_out(
    store: Store, vendor: SmartcarSimulator, connector: Smartcar, clock: TurningClock, tmp_path: Path
) -> None:
    with sabotage("refresh_note"):
        assert await killed_before_commit(store, vendor, connector, clock, tmp_path) == "needs_login"


@pytest.mark.parametrize("api", ["v2", "v3"])
async def test_wrong_credentials_stop_us_and_a_new_start_tries_again(
    store: Store,
    vendor: SmartcarSimulator,
    connector: Smartcar,
    clock: TurningClock,
    tmp_path: Path,
    api: str,
) -> None:
    row = await connected(store, vendor, clock, api)
    right = settings_of(vendor, tmp_path, api)
    wrong = {"SMARTCAR_CLIENT_SECRET": "wrong-wrong-wrong", "SMARTCAR_API_CLIENT_SECRET": "wrong-wrong-wrong"}
    clock.turn(hours=2)
    mistaken = load_settings(tmp_path, {**vendor.environment(api), **wrong})
    await loop_of(store, mistaken, connector, clock).once()
    stopped = await store.connections.get(row.id, None)
    assert stopped.state == "misconfigured"
    assert "SMARTCAR_" in str(stopped.last_error)
    assert "wrong-wrong" not in str(stopped.last_error)
    loop = loop_of(store, right, connector, clock)
    assert await loop.once() == 0
    assert await store.connections.retry_misconfigured() == 1
    assert await loop.once() == 1
    assert (await store.connections.get(row.id, None)).state == "ok"
    assert await store.connections.retry_misconfigured() == 0
