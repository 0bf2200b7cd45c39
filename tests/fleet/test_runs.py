"""Runs as a whole, in processes and on a cluster: resumed after a kill, bad partitions skipped, told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.fleet.world import World
from wattledger.errors import Misconfigured, TryLater
from wattledger.faults import sabotage
from wattledger.fleet import outcome, plan
from wattledger.fleet.run import Result, run
from wattledger.fleet.work import work
from wattledger.store import Store
from wattledger.store.tables import body, payload, payload_point

SMALL = ("--partition", "40", "--workers", "1", "--json")
PARTS = 6


def command(world: World, *words: str) -> list[str]:
    return [sys.executable, "-m", "wattledger", "fleet", *words, "--data", str(world.data)]


def said(world: World, *words: str, code: int = 0) -> dict[str, Any]:
    done = subprocess.run(command(world, *words, *SMALL), capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def break_one(store: Store) -> int:
    """Change an archived body on disk that only the first partition's meters are in. Its payload."""
    first = (await store.points.list())[0]
    query = select(payload.c.id, payload.c.sha256).join(
        payload_point, payload_point.c.payload == payload.c.id
    )
    async with store.begin() as connection:
        rows = (await connection.execute(query.where(payload_point.c.usage_point == first.n))).all()
        chosen = [row for row in rows if row.id == max(row.id for row in rows)]
        await connection.execute(
            update(body).where(body.c.sha256 == chosen[0].sha256).values(codec="raw", data=b"broken")
        )
    return int(chosen[0].id)


def journal(world: World) -> list[Path]:
    return sorted((world.data / "fleet").rglob("part-*.json"))


def test_a_killed_run_goes_on(world: World) -> None:
    word = world.run(lambda store: store.digest())
    process = subprocess.Popen(
        command(world, "digest", *SMALL), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not journal(world) and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = len(journal(world))
    assert before >= 1
    assert said(world, "digest") == {"partitions": PARTS, "resumed": before, "skipped": [], "digest": word}
    assert journal(world) == []


def test_a_bad_partition_is_skipped_and_the_rest_done(world: World, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    world.run(break_one)
    found = said(world, "replay", "--to", str(lake), code=1)
    skipped = found["skipped"][0]
    assert (
        len(found["skipped"]) == 1
        and skipped["partition"] == 0
        and "was changed on disk" in skipped["reason"]
    )
    assert {plan.part_of(str(p.relative_to(lake))) for p in lake.rglob("*.parquet")} == set(range(1, PARTS))
    refused = subprocess.run(
        command(world, "digest", "--from", str(lake)), capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1 and "was not finished" in refused.stderr
    order = world.order("replay", to=str(lake), size=40, workers=1)
    again = run(order, world.planned(order), lambda _done, _all: None)[0]
    assert again.resumed == PARTS - 1
    assert [one.part for one in again.problems] == [0]


def finished(world: World, **more: object) -> Result:
    order = world.order("digest", **more)
    result, done = run(order, world.planned(order), lambda _done, _all: None)
    if not result.problems:
        done.clear()
    return result


def test_unreadable_parquet_is_one_bad_partition(world: World, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    world.here(world.order("replay", to=str(lake)))
    word = outcome.digest(world.here(world.order("digest", source=str(lake))))
    broken = sorted(lake.rglob("part-00001.parquet"))[0]
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-100])
    result = finished(world, source=str(lake), workers=2)
    assert [one.part for one in result.problems] == [1]
    assert "part-00001" in str(result.problems[0].problem)
    broken.write_bytes(whole)
    assert outcome.digest(finished(world, source=str(lake), workers=1).done) == word


def test_another_run_does_not_go_on_with_old_figures(world: World) -> None:
    order = world.order("digest", workers=1)
    first = world.planned(order)
    result, left = run(order, first, lambda _done, _all: None)
    assert result.resumed == 0
    same, left = run(order, first, lambda _done, _all: None)
    assert same.resumed == 3
    with sabotage("fleet_journal"):
        assert run(order, first, lambda _done, _all: None)[0].resumed == 0
    world.run(withdrawn)
    changed, left = run(order, world.planned(order), lambda _done, _all: None)
    left.clear()
    assert changed.resumed == 0
    assert (
        outcome.digest(changed.done) == world.run(lambda store: store.digest()) != outcome.digest(same.done)
    )


async def withdrawn(store: Store) -> None:
    newest = (await store.payloads.list(None, limit=1))[0]
    await store.payloads.withdraw(newest.id, newest.site, "owner@example.com")


def test_sabotage_fleet_mark_is_noticed(world: World) -> None:
    task = world.planned(world.order("digest")).tasks[0]
    other = plan.Task("digest", 0, 0.0, task.data, tuple(n + 1 for n in task.points), task.mark)
    assert "another ledger" in str(work(other).problem)
    with sabotage("fleet_mark"):
        assert work(other).problem is None


def test_a_place_with_other_files_is_left_alone(world: World, tmp_path: Path) -> None:
    place = tmp_path / "mine" / "year=2026" / "month=01"
    place.mkdir(parents=True)
    (place / "part-00000.parquet").write_bytes(b"precious")
    order = world.order("totals", to=str(tmp_path / "mine"))
    with pytest.raises(Misconfigured, match="other Parquet files"):
        run(order, world.planned(order), lambda _done, _all: None)
    assert (place / "part-00000.parquet").read_bytes() == b"precious"


def test_a_killed_process_is_told_and_the_run_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    order = world.order("digest", size=40, workers=1)
    planned = world.planned(order)
    with monkeypatch.context() as armed:
        armed.setenv("WATTLEDGER_FAULTS", "kill:fleet.task=3")
        with pytest.raises(TryLater, match="was killed"):
            run(order, planned, lambda _done, _all: None)
    result, left = run(order, planned, lambda _done, _all: None)
    left.clear()
    assert (result.resumed, len(result.done)) == (2, PARTS)
    assert outcome.digest(result.done) == world.run(lambda store: store.digest())
