"""Whatever the order and the portions in which a car's days are told, the ledger is that of the whole."""

from __future__ import annotations

import asyncio
import itertools
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


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    DAYS, st.sampled_from([3, 6]), st.integers(1, 4), st.randoms(use_true_random=False), st.integers(0, 12)
)
def test_any_order_is_the_whole(
    tmp_path_factory: pytest.TempPathFactory,
    told: list[Phase],
    every: int,
    together: int,
    chance: Any,
    near: int,
) -> None:
    listed = observations(told, every)
    portions = [listed[n : n + together] for n in range(0, len(listed), together)]
    order = sorted(range(len(portions)), key=lambda n: n + chance.randint(0, near))
    folder = tmp_path_factory.mktemp("order")
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
    listed = [{**one, "private": {}, "values": {**one["values"], "at_home": True}} for one in _days(12)]
    for one in [*listed[:-3], listed[-2], listed[-1], listed[-3]]:
        await store.payloads.deliver(site, poll(one))
    assert judged and sum(judged) < 120 < len(listed)
    before, said = await store.digest(), await _all(store)
    assert (await store.replay()).digest == before
    assert await _all(store) == said


async def test_sabotage_charge_mark_is_noticed(store: Store, site: str) -> None:
    listed = [{**one, "private": {}, "values": {**one["values"], "at_home": True}} for one in _days(3)]
    with sabotage("charge_mark"):
        for one in [*listed[:-60], *listed[-59:], listed[-60]]:
            await store.payloads.deliver(site, poll(one))
    before = await store.digest()
    assert (await store.replay()).digest != before
