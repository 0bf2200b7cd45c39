"""Whatever the order and the portions in which a car's days are told, the ledger is that of the whole."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.charging.truth import Phase, phases, world
from tests.store.fake import CHICAGO, file, parse

from wattledger.faults import sabotage
from wattledger.model import Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.observed import accounts
from wattledger.store.people.sites import Home

CAR = "car-1"
HERE, THERE = (30.0, -97.0), (31.0, -97.0)
CHANCE = st.randoms(use_true_random=False)
DAYS = st.lists(phases(), min_size=1, max_size=4).map(lambda some: [one for few in some for one in few])


def poll(*told: dict[str, Any]) -> Payload:
    private = any(one["private"] for one in told)
    return file(
        points=[CAR], kind="vehicle", source=Source.POLL, observations=list(told), tz=CHICAGO, private=private
    )


def observations(told: list[Phase], every: int) -> list[dict[str, Any]]:
    """What is heard every so many steps of five minutes."""
    found = []
    for one in world(told).log[::every]:
        values = {name: value for name, value in one.items() if name not in {"at", "home"}}
        where = None if one["home"] is None else HERE if one["home"] else THERE
        private = {} if where is None else {"latitude": where[0], "longitude": where[1]}
        found.append({"at": one["at"].isoformat(), "values": values, "private": private})
    return found


ANY_ORDER = given(
    told=DAYS,
    every=st.sampled_from([3, 6]),
    together=st.integers(1, 4),
    chance=st.randoms(use_true_random=False),
    near=st.integers(0, 12),
)


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@ANY_ORDER
def test_any_order_is_the_whole(tmp_path_factory: pytest.TempPathFactory, **drawn: Any) -> None:
    _in_an_order(tmp_path_factory.mktemp("order"), **drawn)


@pytest.mark.soak
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@ANY_ORDER
def test_hundreds_of_orders_are_the_whole(tmp_path_factory: pytest.TempPathFactory, **drawn: Any) -> None:
    _in_an_order(tmp_path_factory.mktemp("order"), **drawn)


def _in_an_order(
    folder: Path, told: list[Phase], every: int, together: int, chance: random.Random, near: int
) -> None:
    portions = _portions(observations(told, every), together)
    order = sorted(range(len(portions)), key=lambda n: n + chance.randint(0, near))
    asyncio.run(_both_ways(folder, [portions[n] for n in order]))


async def _both_ways(folder: Path, portions: list[list[dict[str, Any]]]) -> None:
    vault = Vault({"test": b"k" * 32})
    store = await open_store(f"sqlite:///{folder}/x.db", data=folder, parse=parse, vault=vault)
    try:
        site = (await store.sites.default()).id
        await store.sites.set_home(site, Home(*HERE))
        for portion in portions:
            await store.payloads.deliver(site, poll(*portion))
        before, said = await store.digest(), await _all(store)
        assert (await store.replay()).digest == before
        assert await _all(store) == said
    finally:
        await store.close()


async def _all(store: Store) -> list[Any]:
    points = await store.points.list(None)
    if not points:
        return []
    rows = await store.observations.list(points[0], points[0].created_at - timedelta(days=9000), MUCH_LATER)
    return [(r.at, r.verdict, r.booked_wh, r.payload) for r in rows]


MUCH_LATER = world([Phase(10)]).at + timedelta(days=400)


def _days(count: int) -> list[dict[str, Any]]:
    day = [Phase(300), Phase(300, True, 7), Phase(400, True), Phase(40, km=30), Phase(360), Phase(40, km=30)]
    return observations(list(itertools.chain.from_iterable([day] * count)), 6)


def _at_home(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "private": {}, "values": {**one["values"], "at_home": True}} for one in listed]


def _portions(listed: list[dict[str, Any]], size: int = 12) -> list[list[dict[str, Any]]]:
    return [listed[n : n + size] for n in range(0, len(listed), size)]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many stored observations each page of a recomputation holds."""
    counts: list[int] = []
    correct = accounts._correct

    async def counted(connection: Any, page: Any, before: Any) -> None:
        counts.append(len(page))
        await correct(connection, page, before)

    monkeypatch.setattr(accounts, "_correct", counted)
    return counts


async def test_what_is_a_little_late_recomputes_a_day_or_two(
    store: Store, site: str, judged: list[int]
) -> None:
    listed = _at_home(_days(12))
    late = _portions(listed[-24:], 1)
    for portion in [*_portions(listed[:-24]), *late[:-3], late[-2], late[-1], late[-3]]:
        await store.payloads.deliver(site, poll(*portion))
    assert judged and sum(judged) < 120 < len(listed)
    before, said = await store.digest(), await _all(store)
    assert (await store.replay()).digest == before
    assert await _all(store) == said


async def test_sabotage_charge_mark_is_noticed(store: Store, site: str) -> None:
    listed = _at_home(_days(2))
    with sabotage("charge_mark"):
        for one in [*listed[:-60], *listed[-59:], listed[-60]]:
            await store.payloads.deliver(site, poll(one))
    before = await store.digest()
    assert (await store.replay()).digest != before
