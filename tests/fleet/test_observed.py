"""Usage points whose energy is booked from observations, and payloads that mean more now than before."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete, text

from tests.fleet.test_recompute import history, numbers
from tests.store.fake import file
from wattledger.fleet import ledger, outcome
from wattledger.fleet.plan import Done, Task
from wattledger.model import PointKind
from wattledger.store import Store
from wattledger.store.tables import payload_point

TASK = Task("replay", 0, 0.0)


async def cooled(store: Store, site: str) -> str:
    """Meters, and an appliance whose register was reported three times. The digest."""
    await history(store, site)
    for n, wh in enumerate((1000, 1100, 1240)):
        seen = [{"at": f"2025-05-01T00:{15 * n:02}:00+00:00", "values": {"register_wh": wh}}]
        said = file(points=("ac",), observations=seen, kind=PointKind.APPLIANCE, name=str(n))
        await store.payloads.deliver(site, said)
    return await store.digest()


async def replayed(store: Store) -> Done:
    points = await store.points.list()
    return Done(0, await ledger.replay(store, points, TASK))


async def test_booked_energy_is_booked_again(store: Store, site: str) -> None:
    word = await cooled(store, site)
    async with store.begin() as connection:
        await connection.execute(text("DELETE FROM energy_day"))
    done = await replayed(store)
    assert len(done.figures["observed"]) == 1
    assert await store.digest() != word
    await outcome.finish_replay(store, [done])
    assert await store.digest() == word


async def test_booked_energy_goes_to_parquet_from_the_ledger(store: Store, site: str, tmp_path: Path) -> None:
    from wattledger.fleet import tables
    from wattledger.fleet.place import Place
    from wattledger.fleet.work import _hashed

    word = await cooled(store, site)
    points = sorted(await store.points.list(), key=lambda p: p.external_id)
    lake = str(tmp_path / "lake")
    await ledger.replay(store, points, Task("replay", 0, 0.0, to=lake))
    place = Place(lake)
    leaves = _hashed(*tables.read(place, [item.key for item in place.items()]))
    assert outcome.digest([Done(0, {"leaves": leaves.hex()})]) == word


async def test_a_payload_that_means_more_than_before_is_read_wholly(store: Store, site: str) -> None:
    await history(store, site)
    word, mine = await store.digest(), await numbers(store)
    async with store.begin() as connection:
        await connection.execute(delete(payload_point).where(payload_point.c.usage_point == mine[0]))
    done = await replayed(store)
    assert done.figures["beyond"]
    assert await outcome.finish_replay(store, [done]) == len(done.figures["beyond"])
    assert await store.digest() == word
