"""Orphans, leases, poison: a payload whose reader died is read by another, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.store.fake import StillClock, block, file

from wattledger.errors import TryLater
from wattledger.faults import arm, disarm, sabotage
from wattledger.model import Flow, Payload
from wattledger.store import Store
from wattledger.store.archive.jobs import Archive, Job, LeaseLost, Outcome
from wattledger.store.rows import Summary

METER = "10443720001234567"


async def orphan(store: Store, site: str, payload: Payload) -> int:
    """Archive a payload and let its reader die."""

    def die() -> None:
        raise KeyboardInterrupt

    arm("hub.after_archive_commit", die)
    try:
        await store.payloads.deliver(site, payload)
    except KeyboardInterrupt:
        pass
    finally:
        disarm()
    return (await store.payloads.list(site, limit=1))[0].id


async def wh(store: Store) -> int:
    try:
        point = await store.points.by_external(METER)
    except Exception:
        return 0
    return (await store.energy.coverage(point, Flow.DELIVERED)).total_wh


async def test_an_orphan_is_read_after_its_lease(store: Store, site: str, clock: StillClock) -> None:
    id = await orphan(store, site, file(block(20000, [1] * 96)))
    assert await store.payloads.read_orphans() == 0
    assert (await store.payloads.get(id)).state == "stored"
    clock.pass_by(seconds=121)
    assert await store.payloads.read_orphans() == 1
    row = await store.payloads.get(id)
    assert (row.state, row.attempts, await wh(store)) == ("read", 2, 96)
    assert await store.payloads.read_orphans() == 0


async def test_delivering_an_orphan_again_reads_it(store: Store, site: str, clock: StillClock) -> None:
    payload = file(block(20000, [1] * 96))
    id = await orphan(store, site, payload)
    clock.pass_by(seconds=121)
    receipt = await store.payloads.deliver(site, payload)
    assert (receipt.id, receipt.duplicate, receipt.state) == (id, True, "read")


async def test_the_fifth_attempt_is_poison(store: Store, site: str, clock: StillClock) -> None:
    id = await orphan(store, site, file(block(20000, [1] * 96)))
    for _ in range(3):
        clock.pass_by(seconds=121)
        await archive(store).claim(10)
    clock.pass_by(seconds=121)
    assert await store.payloads.read_orphans() == 1
    row = await store.payloads.get(id)
    assert (row.state, row.attempts) == ("rejected", 5)
    assert "poison" in (row.reason or "")


async def test_many_orphans_are_claimed_in_one_batch(store: Store, site: str, clock: StillClock) -> None:
    for i in range(5):
        await orphan(store, site, file(block(20000 + i, [1] * 96)))
    clock.pass_by(seconds=121)
    assert await store.payloads.read_orphans(limit=3) == 3
    assert await store.payloads.read_orphans(limit=3) == 2
    assert await wh(store) == 480


async def test_an_outcome_needs_the_lease(store: Store, site: str, clock: StillClock) -> None:
    job = await taken_over(store, site, clock)
    with pytest.raises(LeaseLost):
        await finish(store, job)
    assert (await store.payloads.get(job.id)).state == "stored"


async def test_sabotage_lease_fence_is_noticed(store: Store, site: str, clock: StillClock) -> None:
    job = await taken_over(store, site, clock)
    with sabotage("lease_fence"):
        await finish(store, job)
    assert (await store.payloads.get(job.id)).state == "rejected"


async def test_a_database_that_goes_away_leaves_the_payload_to_be_read(store: Store, site: str) -> None:
    def away() -> None:
        raise TryLater("The database does not answer now.")

    payload = file(block(20000, [1] * 96))
    arm("hub.before_ledger_commit", away)
    with pytest.raises(TryLater):
        await store.payloads.deliver(site, payload)
    disarm()
    assert await wh(store) == 0
    assert (await store.payloads.deliver(site, payload)).state == "read"
    assert await wh(store) == 96


async def let_go_of(store: Store, site: str, payload: Payload) -> int:
    """A payload that could neither be read nor released, as the database took nothing any more."""

    def away() -> None:
        raise TryLater("The database does not answer now.")

    arm("hub.before_ledger_commit", away)
    arm("hub.before_release", away)
    try:
        with pytest.raises(TryLater):
            await store.payloads.deliver(site, payload)
    finally:
        disarm()
    return (await store.payloads.list(site, limit=1))[0].id


async def test_what_could_not_be_released_is_read_once_the_database_answers(store: Store, site: str) -> None:
    for n in range(6):
        id = await let_go_of(store, site, file(block(20000 + n, [1] * 96)))
        assert await archive(store).claim(10) == []  # another process leaves it to its lease
        assert await store.payloads.read_orphans() == 1
        row = await store.payloads.get(id)
        assert (row.state, row.attempts) == ("read", 1)
    payload = file(block(21000, [1] * 96))
    await let_go_of(store, site, payload)
    assert (await store.payloads.deliver(site, payload)).state == "read"


async def test_sabotage_let_go_is_noticed(store: Store, site: str) -> None:
    """A file whose reader found the database away is read as soon as it is back."""
    with sabotage("let_go"):
        id = await let_go_of(store, site, file(block(20000, [1] * 96)))
        assert await store.payloads.read_orphans() == 0
    assert (await store.payloads.get(id)).state == "stored"


async def test_a_reader_that_lost_its_lease_answers_once_the_file_is_read(
    store: Store, site: str, clock: StillClock
) -> None:
    def overtaken() -> None:
        disarm()
        clock.pass_by(seconds=121)
        raise LeaseLost("Payload 1 is being read by another process.")

    arm("hub.before_ledger_commit", overtaken)
    receipt = await store.payloads.deliver(site, file(block(20000, [1] * 96)))
    assert (receipt.state, await wh(store)) == ("read", 96)


def archive(store: Store) -> Archive:
    return Archive(store.database, store.bodies)


async def taken_over(store: Store, site: str, clock: StillClock) -> Job:
    """A job whose payload somebody else has claimed since."""
    await orphan(store, site, file(block(20000, [1] * 96)))
    clock.pass_by(seconds=121)
    (job,) = await archive(store).claim(1)
    clock.pass_by(seconds=121)
    assert await archive(store).claim(1)
    return job


async def finish(store: Store, job: Job) -> None:
    async with store.begin() as connection:
        await archive(store).finish(connection, job, Outcome("rejected", "opaque", Summary(), "too late"))


async def test_a_commit_whose_answer_was_lost_is_read_at_the_next_try(store: Store, site: str) -> None:
    """It is archived under a lease of whoever was told that it is not."""
    sent, transact = file(block(20000, [5])), store.database.transact

    async def cut(work: Any) -> Any:
        await transact(work)
        store.database.transact = transact  # type: ignore[method-assign]
        raise TryLater("the connection was cut before the answer came")

    store.database.transact = cut  # type: ignore[method-assign]
    with pytest.raises(TryLater):
        await store.payloads.deliver(site, sent)
    again = await asyncio.wait_for(store.payloads.deliver(site, sent), 20)
    assert (again.state, again.duplicate) == ("read", True)
