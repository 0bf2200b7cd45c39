"""Recomputing usage points in memory leaves the very rows that delivering left, on both databases."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import select

from tests.store.fake import block, file
from tests.store.test_deliver import a_site
from wattledger.faults import arm, disarm, sabotage
from wattledger.model import Source
from wattledger.store import Corrupt, Store
from wattledger.store.archive.recompute import Found, Recompute
from wattledger.store.tables import body, energy_day, energy_superseded

METERS = tuple(str(n) * 17 for n in range(1, 6))


def recompute(store: Store) -> Recompute:
    reader = store.payloads._reader
    return Recompute(store.database, store.bodies, reader._bulk, reader._parse)


async def history(store: Store, site: str, seed: int = 1) -> None:
    """Payloads with revisions, conflicts, estimates and repeats within a file."""
    chance = random.Random(seed)
    for n in range(24):
        blocks = [
            block(
                20000 + chance.randrange(6),
                [chance.choice([None, 1, 2, 3]) for _ in range(96)],
                rev=chance.choice([3, 5, 7]),
                p=chance.randrange(3),
                fl=[chance.choice([0, 0, 1])] * 96,
            )
            for _ in range(chance.randrange(1, 5))
        ]
        await store.payloads.deliver(site, file(*blocks, points=tuple(chance.sample(METERS, 3)), name=str(n)))


async def rows(store: Store) -> list[list[Any]]:
    async with store.connect() as connection:
        return [
            sorted(map(repr, await connection.execute(select(table))))
            for table in (energy_day, energy_superseded)
        ]


async def numbers(store: Store) -> list[int]:
    return [point.n for point in await store.points.list()]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_very_same_rows(store: Store, site: str, seed: int) -> None:
    await history(store, site, seed)
    before, word = await rows(store), await store.digest()
    assert len(before[1]) > 100
    mine = await numbers(store)
    for part in (mine[:2], mine[2:]):
        found = await recompute(store).swap(part)
        assert found.payloads and not found.beyond and not found.unreadable
    assert await rows(store) == before
    assert (await store.replay()).digest == await store.digest() == word


async def test_another_sites_upload_stays_refused(store: Store, site: str) -> None:
    await history(store, site)
    other = await a_site(store, "f" * 32)
    await store.payloads.deliver(
        other, file(block(20001, [9] * 96, rev=99), points=METERS[:1], source=Source.UPLOAD)
    )
    before = await rows(store)
    assert not (await recompute(store).swap(await numbers(store))).beyond
    assert await rows(store) == before


async def test_a_changed_body_is_an_error(store: Store, site: str) -> None:
    await history(store, site)
    async with store.begin() as connection:
        await connection.execute(body.update().values(codec="raw", data=b"other"))
    with pytest.raises(Corrupt):
        await recompute(store).energy(await numbers(store))


async def late(store: Store, site: str) -> Found:
    """A payload is withdrawn by somebody else after the payloads were read, before the swap."""
    await history(store, site)
    part, work = await numbers(store), recompute(store)
    first = await work.energy(part)
    await store.payloads.withdraw(4, site, "owner@example.com")
    calls = iter([first])
    real = work.energy

    async def energy(numbers: Any) -> Found:
        return next(calls, None) or await real(numbers)

    work.energy = energy  # type: ignore[method-assign]
    return await work.swap(part)


async def test_what_changed_meanwhile_is_read_again(store: Store, site: str) -> None:
    found = await late(store, site)
    assert found.payloads == 23
    word = await store.digest()
    assert (await store.replay()).digest == word


async def test_sabotage_fleet_recheck_is_noticed(store: Store, site: str) -> None:
    with sabotage("fleet_recheck"):
        found = await late(store, site)
    assert found.payloads == 24
    word = await store.digest()
    assert (await store.replay()).digest != word


async def test_a_swap_that_is_cut_short_changes_nothing(store: Store, site: str) -> None:
    await history(store, site)
    before = await rows(store)

    def fail() -> None:
        raise RuntimeError("cut")

    arm("fleet.before_commit", fail)
    try:
        with pytest.raises(RuntimeError):
            await recompute(store).swap(await numbers(store))
    finally:
        disarm()
    assert await rows(store) == before
