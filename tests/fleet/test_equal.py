"""What partitions come to is exactly what one process says of the whole, from the ledger and from Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from sqlalchemy import text

from tests.fleet.world import NOW, World
from wattledger import localday
from wattledger.fleet import outcome, reports
from wattledger.fleet.held import Held, Point, day_block
from wattledger.fleet.plan import Done
from wattledger.merge import Blocks
from wattledger.model import MISSING, Flow
from wattledger.store import Store

FLOWS = (Flow.DELIVERED, Flow.RECEIVED)


def clean(done: Sequence[Done]) -> Sequence[Done]:
    assert [one.problem for one in done if one.problem] == []
    assert len(done) == 3
    return done


async def all_gaps(store: Store) -> list[tuple[Any, ...]]:
    return [
        (point.external_id, int(flow), gap.start, gap.end, gap.slots)
        for point in await store.points.list()
        for flow in FLOWS
        for gap in await store.energy.gaps(point, flow)
    ]


async def all_months(store: Store) -> list[tuple[Any, ...]]:
    found = []
    for point in await store.points.list():
        for flow in FLOWS:
            known = await store.energy.coverage(point, flow)
            if known.first_day is None or known.last_day is None:
                continue
            end = known.last_day + timedelta(1)
            for one in await store.energy.series(point, flow, known.first_day, end, "month"):
                first = localday.day(localday.locate(one.start, point.timezone)[0]).replace(day=1)
                row = (one.wh, one.found, one.expected, one.quality)
                found.append((point.external_id, int(flow), first, *row))
    return found


def rows(folder: Path) -> list[tuple[Any, ...]]:
    tables = [pq.read_table(path, partitioning=None) for path in folder.rglob("part-*.parquet")]
    return sorted(tuple(row.values()) for table in tables for row in table.to_pylist())


def test_every_answer_is_that_of_one_process(world: World, tmp_path: Path) -> None:
    word = world.run(lambda store: store.digest())
    gaps, months = world.run(all_gaps), world.run(all_months)
    assert len(gaps) > 400 and len(months) > 800
    lake = str(tmp_path / "lake")
    clean(world.here(world.order("replay", to=lake)))
    for number, source in enumerate((None, lake)):
        assert outcome.digest(clean(world.here(world.order("digest", source=source)))) == word
        to = tmp_path / f"gaps{number}"
        done = clean(world.here(world.order("gaps", source=source, to=str(to))))
        assert rows(to) == sorted(gaps)
        assert outcome.sums(done, "runs", "missing") == {
            "runs": len(gaps),
            "missing": sum(gap[-1] for gap in gaps),
        }
        to = tmp_path / f"months{number}"
        done = clean(world.here(world.order("totals", source=source, to=str(to))))
        assert rows(to) == sorted(months)
        assert sum(sums[1] for sums in outcome.months(done).values()) == sum(m[3] or 0 for m in months)


def test_replay_reaches_the_digest_from_an_empty_ledger(world: World) -> None:
    word = world.run(lambda store: store.digest())
    assert world.run(lambda store: store.replay()).digest == word

    async def emptied(store: Store) -> str:
        async with store.begin() as connection:
            await connection.execute(text("DELETE FROM energy_day"))
        return await store.digest()

    assert world.run(emptied) != word
    done = clean(world.here(world.order("replay")))
    assert not any(one.figures["beyond"] or one.figures["unreadable"] for one in done)
    assert world.run(lambda store: store.digest()) == word
    assert world.run(lambda store: outcome.finish_replay(store, done)) == 0
    assert world.run(lambda store: store.digest()) == word


def test_partitions_of_any_size_make_one_word(world: World) -> None:
    word = world.run(lambda store: store.digest())
    for size in (1000, 37):
        assert outcome.digest(world.here(world.order("digest", size=size))) == word


def held(point: Point, days: dict[int, list[int]]) -> tuple[Held, dict[int, Any]]:
    numbers = sorted(days)
    wh = np.full((len(days), 100), MISSING, np.int32)
    for row, day in enumerate(numbers):
        wh[row, days[day]] = 7
    one, zero = np.ones(len(days), np.int64), np.zeros(len(days), np.int64)
    found = (wh != MISSING).sum(axis=1)
    made = Held([point], zero, one, np.array(numbers), 7 * found, found, zero, zero)
    blocks = Blocks(wh, np.zeros(wh.shape, np.uint8), zero[:, None], zero[:, None])
    tz = point.timezone
    slots = {
        row: day_block(numbers[row], tz, localday.slots(numbers[row], tz), blocks, row)
        for row in reports.needed(made)
    }
    return made, slots


def test_what_is_yet_to_come_is_no_gap_and_devices_have_no_day() -> None:
    today = localday.today(NOW, "America/Chicago")
    days = {today - 1: list(range(4, 96)), today: list(range(20))}
    now = reports.at_quarter(NOW.timestamp())
    found = list(reports.runs(*held(Point("m", "meter", "America/Chicago"), days), now))
    assert [run.gap.slots for run in found] == [4, 8]
    assert found[-1].gap.end == now
    devices = list(reports.runs(*held(Point("d", "appliance", "America/Chicago"), days), NOW))
    assert devices == []
