"""Key rotation moves everything that is sealed, beside running processes, and survives kill -9."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from tests.store.fake import RECEIVED, StillClock, file, parse

from wattledger.config import load_settings
from wattledger.faults import arm, kill_at, sabotage
from wattledger.keyfile import add_key
from wattledger.model import Payload, Source
from wattledger.secrets import SecretUnreadable, Vault, load_vault
from wattledger.store import Store, open_store
from wattledger.store.people.sites import Home
from wattledger.store.sources import reseal as module
from wattledger.store.sources.oauth_states import SignInBegun
from wattledger.store.sources.reseal import PLACES, Resealed, reseal
from wattledger.store.tables import body, connection, observation

HOME = Home(30.0, -97.0, 200.0)
COUNT = 50
NOISE = random.Random(3).randbytes(500_000).hex()


def said(number: int, more: str = "") -> Payload:
    at = RECEIVED.replace(hour=number // 60, minute=number % 60).isoformat()
    place = {"latitude": float(number), "longitude": 1.0}
    told = {"at": at, "values": {"soc_pct": number % 100}, "private": place}
    return file(
        points=["car"], source=Source.POLL, kind="vehicle", private=True, observations=[told], more=more
    )


def vault_of(data: Path) -> Vault:
    return load_vault(load_settings(data, {}), create=True)


async def opened(url: str, data: Path, vault: Vault | None = None) -> Store:
    vault = vault or vault_of(data)
    return await open_store(url, data=data, parse=parse, vault=vault, clock=StillClock())


@pytest.fixture(autouse=True)
def batches_of_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than half of what there is of each kind, so that there is an end between two of them."""
    monkeypatch.setattr(module, "BATCH", 20)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
async def store(database_url: str, data: Path) -> AsyncIterator[Store]:
    """A store with the first key, in which something of everything is sealed."""
    store = await opened(database_url, data)
    site = (await store.sites.default()).id
    await store.sites.set_home(site, HOME)
    await store.connections.create(site, "toy", {}, {"password": "canary"}, token={"access": "canary"})
    for number in range(COUNT):
        await store.payloads.receive(site, said(number), str(number))
    await store.payloads.receive(site, said(COUNT, NOISE), "large")
    while await store.payloads.read_orphans(200):
        continue
    yield store
    await store.close()


async def rotated(store: Store, data: Path) -> Resealed:
    """What `wattledger keys rotate` does, in another process's place."""
    add_key(data / "keys")
    other = await opened(str(store.database.engine.url.render_as_string(hide_password=False)), data)
    try:
        return await reseal(other.database, vault_of(data), other.objects)
    finally:
        await other.close()


async def key_ids(store: Store) -> set[str]:
    """Of all that is sealed, wherever it is."""
    found: set[str] = set()
    async with store.connect() as c:
        for place in PLACES:
            wanted = select(place.column).where(place.column.is_not(None))
            if place.binary:
                wanted = wanted.where(body.c.codec == "sealed")
            for value in await c.scalars(wanted):
                sealed = value.decode() if isinstance(value, bytes) else value
                found.add(sealed.split("|")[1])
    root = store.objects.root  # type: ignore[attr-defined]
    found |= {p.read_text().split("|")[1] for p in root.rglob("*") if p.is_file()}
    return found


async def all_open(store: Store) -> bool:
    """Whether everything sealed opens and says what it said."""
    site = (await store.sites.default()).id
    (row,) = await store.connections.list(site)
    point = await store.points.by_external("car")
    seen = await store.observations.list(point, RECEIVED.replace(year=2000), RECEIVED.replace(year=2030))
    bodies = [await store.payloads.body(p.id) for p in await store.payloads.list(site, limit=1000)]
    async with store.connections.token(row.id) as slot:
        token = slot.current
    return (
        await store.sites.home(site) == HOME
        and await store.connections.secrets(row.id, site) == {"password": "canary"}
        and token == {"access": "canary"}
        and [store.observations.open(one)["latitude"] for one in seen] == [float(n) for n in range(COUNT + 1)]
        and {len(one) > 1000 for one in bodies} == {True, False}
        and len(bodies) == COUNT + 1
    )


async def test_everything_moves_to_the_new_key(store: Store, data: Path) -> None:
    old = await key_ids(store)
    done = await rotated(store, data)
    assert (len(old), done.unreadable) == (1, [])
    assert done.moved == 2 + 1 + 2 * (COUNT + 1)
    fresh = await key_ids(store)
    assert len(fresh) == 1 and not fresh & old
    assert await all_open(store)  # the running process had the old key alone
    assert (await rotated(store, data)).moved == done.moved


async def test_sabotage_key_reload_is_noticed(store: Store, data: Path) -> None:
    await rotated(store, data)
    with sabotage("key_reload"), pytest.raises(SecretUnreadable):
        await all_open(store)


async def test_processes_write_on_meanwhile(store: Store, database_url: str, data: Path) -> None:
    site = (await store.sites.default()).id
    (row,) = await store.connections.list(site)
    stop = asyncio.Event()

    async def write() -> int:
        number = 0
        while not stop.is_set():
            await store.payloads.deliver(site, said(200 + number))
            async with store.connections.token(row.id) as slot:
                await slot.save({"access": f"{number}"})
            number += 1
        return number

    writing = asyncio.create_task(write())
    done = await rotated(store, data)
    stop.set()
    written = await writing
    assert written and not done.unreadable
    async with store.connections.token(row.id) as slot:
        assert slot.current == {"access": f"{written - 1}"}
    assert len(await key_ids(store)) <= 2
    await reseal(store.database, vault_of(data), store.objects)
    assert len(await key_ids(store)) == 1
    for payload in await store.payloads.list(site, limit=10):
        assert await store.payloads.body(payload.id)


async def test_a_value_that_no_key_opens_is_named_and_nothing_else_stays(store: Store, data: Path) -> None:
    async with store.begin() as c:
        await c.execute(update(connection).values(token="v1|gone|AAAAAAAAAAAAAAAA|AAAA"))
        first = await c.scalar(select(observation.c.at).order_by(observation.c.at).limit(1))
        damaged = update(observation).where(observation.c.at == first)
        await c.execute(damaged.values(sealed="v1|gone|AAAAAAAAAAAAAAAA|AAAA"))
    done = await rotated(store, data)
    assert len(done.unreadable) == 2 and all("gone" in sentence for sentence in done.unreadable)
    assert done.moved == 2 + 2 * (COUNT + 1) - 1
    assert len(await key_ids(store)) == 2
    (claimed,) = await store.connections.claim(5, ["toy"])
    assert claimed.secrets == {"password": "canary"}


@pytest.mark.parametrize("count", [1, 3, 5])
async def test_killed_between_batches(store: Store, database_url: str, data: Path, count: int) -> None:
    add_key(data / "keys")
    child = _rotating(database_url, data, count)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert await all_open(store)
    assert len(await key_ids(store)) == 2
    await reseal(store.database, vault_of(data), store.objects)
    assert len(await key_ids(store)) == 1 and await all_open(store)


@pytest.mark.parametrize("seed", range(2))
async def test_killed_at_random(store: Store, database_url: str, data: Path, seed: int) -> None:
    add_key(data / "keys")
    child = _rotating(database_url, data, 10_000)
    time.sleep(random.Random(seed).uniform(0.01, 0.4))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert await all_open(store)
    await reseal(store.database, vault_of(data), store.objects)
    assert len(await key_ids(store)) == 1 and await all_open(store)


def _rotating(url: str, data: Path, count: int) -> int:
    """A process that reseals and dies at the `count`th batch."""
    child = os.fork()
    if not child:
        try:
            arm("keys.after_batch", kill_at(count))
            with asyncio.Runner() as runner:
                runner.run(_reseal(url, data))
        finally:
            os._exit(0)
    return child


async def _reseal(url: str, data: Path) -> None:
    store = await opened(url, data)
    await reseal(store.database, vault_of(data), store.objects)
    await asyncio.sleep(1)


async def test_a_sign_in_that_began_before_ends_after(store: Store, data: Path) -> None:
    site = (await store.sites.default()).id
    async with store.begin() as c:
        await c.execute(text(_PERSON))
    state = await store.connections.begin_sign_in("toy", SignInBegun("p", site, None), None)
    await rotated(store, data)
    assert await store.connections.end_sign_in("toy", state, None) is not None


_PERSON = "INSERT INTO person (id, email, created_at) VALUES ('p', 'a@b.c', '2025-01-01 00:00:00.000000')"
