"""The generated fleet: its files are read as what was generated, in every length of day, always the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from benchmarks.fleet_files import csv, parquet

from wattledger import connectors, localday
from wattledger.fleet import outcome
from wattledger.fleet.plan import Done, Task
from wattledger.fleet.work import work
from wattledger.model import Payload, Source
from wattledger.secrets import Vault
from wattledger.simulators.fleet import Fleet
from wattledger.store import open_store

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def said(body: bytes) -> Payload:
    return Payload("smart_meter_texas", Source.RELAY, body, NOW)


@pytest.mark.parametrize("day", [date(2025, 11, 2), date(2026, 1, 15), date(2026, 3, 8)])
@pytest.mark.parametrize("corrected", [False, True])
def test_a_night_is_read_to_the_watt_hour(day: date, corrected: bool) -> None:
    fleet, n = Fleet(203, seed=9, revised=0.3), localday.number(day)
    for one in fleet.night(day, corrected):
        parsed = connectors.parse(said(one.body))
        assert not parsed.rejected
        wh = fleet.wh(one.meters, n, corrected)
        assert [p.external_id for p in parsed.points] == [fleet.esiid(m) for m in one.meters]
        assert np.array_equal(parsed.days.values[:, : wh.shape[1]], wh)


def test_the_seed_decides_and_a_correction_changes_its_share() -> None:
    meters = range(200)
    wh = Fleet(200).wh(meters, 20000)
    assert np.array_equal(wh, Fleet(200).wh(meters, 20000))
    assert not np.array_equal(wh, Fleet(200, seed=2).wh(meters, 20000))
    fleet = Fleet(200, revised=0.1)
    differs = (fleet.wh(meters, 20000) != fleet.wh(meters, 20000, True)).any(axis=1)
    assert np.array_equal(differs, fleet.changed(meters, 20000))
    assert 5 < differs.sum() < 40


async def test_files_and_parquet_are_one_fleet(tmp_path: Path) -> None:
    fleet, first = Fleet(250), date(2026, 3, 7)
    assert csv(fleet, tmp_path / "csv", first, 2) > 2_000_000
    assert parquet(fleet, tmp_path / "lake", first, 2) > 50_000
    store = await open_store(
        f"sqlite:///{tmp_path}/w.db", data=tmp_path / "data", parse=connectors.parse, vault=Vault({})
    )
    site = (await store.sites.default()).id
    for path in sorted((tmp_path / "csv").rglob("*.csv")):
        await store.payloads.deliver(site, said(path.read_bytes()))
    word = await store.digest()
    await store.close()
    lake = str(tmp_path / "lake")
    keys = [f"year=2026/month=03/part-{n:05d}.parquet" for n in (0, 1)]
    done: list[Done] = [work(Task("digest", n, 0.0, lake=lake, keys=(key,))) for n, key in enumerate(keys)]
    assert outcome.digest(done) == word
