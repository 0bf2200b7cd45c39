"""What vendors push: committed before it is answered, many in one transaction, read later in batches."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.store.fake import RECEIVED, StillClock, block, file, parse

from wattledger.errors import Misconfigured
from wattledger.faults import arm, disarm, kill_at, sabotage
from wattledger.model import Flow, Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.archive import intake

CARS = ("car-1", "car-2", "car-3")


def pushed(
    number: int,
    car: str = CARS[0],
    private: bool = False,
    details: dict[str, str] | None = None,
    **values: Any,
) -> Payload:
    """Event `number`: what a car said in that minute."""
    at = RECEIVED.replace(hour=number // 60, minute=number % 60).isoformat()
    place = {"latitude": 30.0 + number, "longitude": -97.0} if private else {}
    return file(
        points=[car],
        source=Source.WEBHOOK,
        kind="vehicle",
        private=private,
        details=details or {},
        observations=[{"at": at, "values": values or {"soc_pct": number}, "private": place}],
        event=number,
    )


@pytest.fixture
async def store(database_url: str, tmp_path: Path, clock: StillClock) -> AsyncIterator[Store]:
    opened = await open_store(
        database_url, data=tmp_path / "data", parse=parse, vault=Vault({"a": b"a" * 32}), clock=clock
    )
    yield opened
    await opened.close()


@pytest.fixture
def commits() -> Iterator[list[int]]:
    """How many commits of received payloads there were."""
    made: list[int] = []
    arm("hub.after_intake_commit", lambda: made.append(1))
    yield made
    disarm()


async def read_all(store: Store) -> None:
    while await store.payloads.read_orphans():
        pass


async def stored(store: Store, site: str) -> int:
    return len(await store.payloads.list(site, limit=1000))


async def test_many_at_once_share_a_commit(store: Store, site: str, commits: list[int]) -> None:
    receipts = await asyncio.gather(
        *(store.payloads.receive(site, pushed(n), f"event-{n}") for n in range(50))
    )
    assert len({receipt.id for receipt in receipts}) == 50 and not any(r.duplicate for r in receipts)
    assert len(commits) <= 2
    assert store.payloads.waiting.is_set()
    assert {row.state for row in await store.payloads.list(site, limit=100)} == {"stored"}
    assert await store.payloads.read_orphans() == 50
    assert {(row.state, row.attempts) for row in await store.payloads.list(site, limit=100)} == {("read", 1)}


async def test_an_event_that_is_here_is_answered_without_writing(
    store: Store, site: str, commits: list[int]
) -> None:
    first = await store.payloads.receive(site, pushed(1), "same")
    again = await store.payloads.receive(site, pushed(2), "same")
    assert (again.id, again.duplicate, len(commits)) == (first.id, True, 1)
    both = await asyncio.gather(*(store.payloads.receive(site, pushed(3), "twin") for _ in range(2)))
    assert [one.duplicate for one in both] == [False, True] and both[0].id == both[1].id
    other = await store.payloads.receive(site, replace(pushed(4), connector="other"), "same")
    assert not other.duplicate
    unnamed = [await store.payloads.receive(site, pushed(5)) for _ in range(2)]
    assert unnamed[0].id != unnamed[1].id and not unnamed[1].duplicate
    assert await stored(store, site) == 5


async def test_sabotage_event_identity_is_noticed(store: Store, site: str) -> None:
    with sabotage("event_identity"):
        for _ in range(2):
            await store.payloads.receive(site, pushed(1), "same")
    assert await stored(store, site) == 2


async def test_two_processes_keep_an_event_once(
    store: Store, site: str, database_url: str, tmp_path: Path
) -> None:
    other = await open_store(database_url, data=tmp_path / "data", parse=parse, vault=Vault({"a": b"a" * 32}))
    await asyncio.gather(
        *(one.payloads.receive(site, pushed(n), f"{n}") for n in range(20) for one in (store, other))
    )
    assert await stored(store, site) == 20
    await other.close()


async def test_one_that_cannot_be_kept_spoils_no_other(store: Store, site: str) -> None:
    bad = replace(pushed(7), filename="half \ud800")
    calls = [store.payloads.receive(site, p, str(i)) for i, p in enumerate([pushed(1), bad, pushed(2)])]
    one, broken, two = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(broken, Exception)
    assert not isinstance(one, BaseException) and not isinstance(two, BaseException)
    assert await stored(store, site) == 2


async def test_private_bytes_need_a_key(database_url: str, tmp_path: Path) -> None:
    store = await open_store(database_url, data=tmp_path / "data", parse=parse, vault=Vault({}))
    site = (await store.sites.default()).id
    with pytest.raises(Misconfigured):
        await store.payloads.receive(site, pushed(1, private=True), "1")
    await store.close()


async def test_a_request_that_went_away_leaves_its_payload(store: Store, site: str) -> None:
    task = asyncio.create_task(store.payloads.receive(site, pushed(1), "1"))
    await asyncio.sleep(0)
    task.cancel()
    assert not (await store.payloads.receive(site, pushed(2), "2")).duplicate
    await store.payloads.drained()
    assert await stored(store, site) <= 2


@pytest.mark.parametrize("point", ["hub.before_intake_commit", "hub.after_intake_commit"])
async def test_killed_at_the_commit_nothing_answered_is_lost(
    point: str, database_url: str, tmp_path: Path
) -> None:
    assert await answered_but_lost(point, database_url, tmp_path) == set()


async def test_sabotage_group_commit_is_noticed(database_url: str, tmp_path: Path) -> None:
    with sabotage("group_commit"):
        assert await answered_but_lost("hub.before_intake_commit", database_url, tmp_path, count=1)


async def answered_but_lost(point: str, url: str, folder: Path, count: int = 2) -> set[int]:
    """Numbers of events that a process answered before it was killed, but that are not there."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            arm(point, kill_at(count))
            with asyncio.Runner() as runner:
                runner.run(_push(url, folder, writer))
        finally:
            os._exit(0)
    os.close(writer)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    answered = set(os.read(reader, 1000))
    os.close(reader)
    store = await open_store(url, data=folder, parse=parse, vault=Vault({}))
    async with store.connect() as connection:
        there = {int(name.partition(":")[2]) for name in await connection.scalars(_IDENTITIES)}
    await store.close()
    return answered - there


_IDENTITIES = text("SELECT identity FROM payload")


async def _push(url: str, folder: Path, pipe: int) -> None:
    store = await open_store(url, data=folder, parse=parse, vault=Vault({}))
    site = (await store.sites.default()).id
    for number in range(5):
        await store.payloads.receive(site, pushed(number), str(number))
        os.write(pipe, bytes([number]))
    await asyncio.sleep(1)


async def test_a_batch_comes_to_what_single_reading_comes_to(
    store: Store, site: str, tmp_path: Path, clock: StillClock
) -> None:
    pushes = [
        *(pushed(n, CARS[n % 3], private=n % 2 == 0) for n in (5, 3, 9, 1, 20, 11, 12)),
        pushed(9, CARS[0], private=False),
        pushed(5, CARS[2], soc_pct=77, register_wh=100),
        replace(pushed(30), body=b"no toy"),
        pushed(31, register_wh=5.0),
        replace(file(block(20000, [1] * 96), points=["m"]), source=Source.WEBHOOK),
        pushed(8, CARS[1]),
        pushed(40, CARS[1], details={"make": "one"}),
        pushed(41, CARS[1], details={"model": "two"}),
    ]
    for number, payload in enumerate(pushes):
        await store.payloads.receive(site, payload, str(number))
    await read_all(store)
    single = await open_store(
        f"sqlite:///{tmp_path / 'single.db'}", data=tmp_path, parse=parse, vault=Vault({"a": b"a" * 32}),
        clock=clock,
    )  # fmt: skip
    for number, payload in enumerate(pushes):
        await single.payloads.receive((await single.sites.default()).id, payload, str(number))
        await single.payloads.read_orphans(1)
    assert await _energy(store) == await _energy(single)
    assert await _told(store) == await _told(single)
    assert [_plain(r) for r in await store.payloads.list(limit=50)] == [
        _plain(r) for r in await single.payloads.list(limit=50)
    ]
    await single.close()


async def _energy(store: Store) -> dict[str, tuple[int, dict[str, str]]]:
    """By usage point: its energy, and what is known of it."""
    points = await store.points.list()
    energy = [(await store.energy.coverage(p, Flow.DELIVERED)).total_wh for p in points]
    return {p.external_id: (wh, dict(p.details)) for p, wh in zip(points, energy, strict=True)}


async def _told(store: Store) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for point in await store.points.list():
        for row in await store.observations.list(
            point, RECEIVED.replace(year=2000), RECEIVED.replace(year=2030)
        ):
            private = dict(store.observations.open(row))
            found.append(
                (point.external_id, row.at, row.payload, row.values, private, row.verdict, row.booked_wh)
            )
        found.append((point.external_id, (await store.observations.latest([point])).get(point.n)))
    return sorted(found, key=repr)


def _plain(row: Any) -> tuple[Any, ...]:
    summary = {**row.summary, "points": [p[1] for p in row.summary.get("points", ())]}
    return row.id, row.state, row.kind, row.reason, summary


async def test_another_sites_car_is_refused(store: Store, site: str) -> None:
    await store.payloads.receive(site, pushed(1), "1")
    await read_all(store)
    other = await _other_site(store)
    for number in (2, 3):
        await store.payloads.receive(other, pushed(number), str(number))
    await read_all(store)
    point = await store.points.by_external(CARS[0])
    assert [row.values for row in await _rows(store, point)] == [{"soc_pct": 1}]
    newest = (await store.payloads.list(other))[0]
    assert newest.state == "read" and "not held by this site" in newest.summary["rejections"][0]["reason"]
    with sabotage("foreign_refused"):
        for number in (4, 5):
            await store.payloads.receive(other, pushed(number), str(number))
        await read_all(store)
    assert len(await _rows(store, point)) == 3  # what the check above notices


async def _rows(store: Store, point: Any) -> list[Any]:
    return await store.observations.list(point, RECEIVED.replace(year=2000), RECEIVED.replace(year=2030))


async def _other_site(store: Store) -> str:
    async with store.begin() as connection:
        await connection.execute(
            text("INSERT INTO site (id, name, timezone, created_at) VALUES ('b', 'B', 'UTC', '2025-01-01')")
        )
    return "b"


async def test_a_batch_that_fails_is_read_one_by_one(store: Store, site: str) -> None:
    for number in range(5):
        await store.payloads.receive(site, pushed(number), str(number))
    broken: list[int] = []

    def fail_once() -> None:
        if not broken:
            broken.append(1)
            raise RuntimeError("the batch fails")

    arm("hub.before_ledger_commit", fail_once)
    try:
        assert await store.payloads.read_orphans() == 5
    finally:
        disarm()
    assert broken and {row.state for row in await store.payloads.list(site)} == {"read"}


def test_the_window_is_some_milliseconds() -> None:
    assert intake.WINDOW_SECONDS < 0.02 and intake.LARGEST_BATCH >= 100
