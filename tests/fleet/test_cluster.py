"""A real cluster over TCP: a scheduler and two worker processes, and tasks that know no secret."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tests.fleet.world import World, fill
from wattledger.errors import Refused, TryLater
from wattledger.fleet import outcome
from wattledger.fleet.run import run


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A filled ledger whose address and folder workers find in their environment."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    made = World(postgres_url, tmp_path / "data")
    monkeypatch.setenv("WATTLEDGER_DATA", str(made.data))
    made.run(fill)
    return made


@pytest.mark.postgres
def test_a_cluster_comes_to_the_same(on_postgres: World, tmp_path: Path) -> None:
    from distributed import LocalCluster

    word = on_postgres.run(lambda store: store.digest())
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, protocol="tcp://", dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        assert address.startswith("tcp://")
        lake = str(tmp_path / "lake")
        for verb, more in (
            ("replay", {}),
            ("replay", {"to": lake}),
            ("digest", {}),
            ("digest", {"source": lake}),
        ):
            order = on_postgres.order(verb, scheduler=address, **more)
            planned = on_postgres.planned(order)
            assert word.encode() not in pickle.dumps(planned.tasks)
            assert on_postgres.url.encode() not in pickle.dumps(planned.tasks)
            result, journal = run(order, planned, lambda _done, _all: None)
            assert (result.problems, len(result.done)) == ([], 3)
            journal.clear()
            if verb == "digest":
                assert outcome.digest(result.done) == word


def test_sqlite_is_for_one_machine(sqlite_url: str, tmp_path: Path) -> None:
    alone = World(sqlite_url, tmp_path / "data")
    with pytest.raises(Refused, match="SQLite"):
        alone.planned(alone.order("digest", scheduler="tcp://127.0.0.1:9"))


@pytest.mark.postgres
def test_a_silent_scheduler_is_told(on_postgres: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    order = on_postgres.order("digest", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(TryLater, match="does not answer"):
        run(order, on_postgres.planned(order), lambda _done, _all: None)
