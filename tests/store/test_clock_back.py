"""Leases and plans by a clock that was ahead do not hold anything up once it is right; and what a database's
trouble costs is not put down to a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.store.fake import StillClock, block, file
from tests.store.test_lease import orphan

from wattledger.errors import TryLater
from wattledger.faults import arm, disarm, sabotage
from wattledger.model import Source
from wattledger.store import Store
from wattledger.store.archive.jobs import MOST_ATTEMPTS

VENDOR = "fake_vendor"


async def read_after_a_wrong_clock(
    store: Store, site: str, clock: StillClock, off: tuple[str, ...] = ()
) -> int:
    clock.pass_by(days=1)
    await orphan(store, site, file(block(20000, [1] * 96)))
    clock.pass_by(days=-1)
    with sabotage(*off):
        return await store.payloads.read_orphans()


async def test_a_lease_given_by_a_clock_that_was_ahead_is_over(
    store: Store, site: str, clock: StillClock
) -> None:
    assert await read_after_a_wrong_clock(store, site, clock) == 1


async def test_sabotage_clock_back_is_noticed_by_the_archive(
    store: Store, site: str, clock: StillClock
) -> None:
    assert await read_after_a_wrong_clock(store, site, clock, off=("clock_back",)) == 0


async def due_after_a_wrong_clock(store: Store, site: str, clock: StillClock) -> int:
    """How many connections are due that were planned, and one leased, by a clock a day ahead."""
    for _ in range(2):
        await store.connections.create(site, VENDOR, {}, {})
    clock.pass_by(days=1)
    settled, _ = await store.connections.claim(2, [VENDOR])
    await store.connections.settle(settled.id, settled.lease, TryLater("busy"))
    assert len(await store.connections.claim(2, [VENDOR])) == 0
    clock.pass_by(days=-1)
    return len(await store.connections.claim(2, [VENDOR]))


async def test_connections_planned_by_a_clock_that_was_ahead_are_due(
    store: Store, site: str, clock: StillClock
) -> None:
    assert await due_after_a_wrong_clock(store, site, clock) == 2
    assert len(await store.connections.claim(2, [VENDOR])) == 0


async def test_sabotage_clock_back_is_noticed_by_connections(
    store: Store, site: str, clock: StillClock
) -> None:
    with sabotage("clock_back"):
        assert await due_after_a_wrong_clock(store, site, clock) == 0


async def test_a_connection_that_is_never_polled_again_stays_so(
    store: Store, site: str, clock: StillClock
) -> None:
    await store.connections.create(site, VENDOR, {}, {})
    clock.pass_by(days=1)
    (claimed,) = await store.connections.claim(1, [VENDOR])
    await store.connections.settle(claimed.id, claimed.lease, None, None)
    clock.pass_by(days=-1)
    assert len(await store.connections.claim(1, [VENDOR])) == 0


async def accepted_by_a_clock_behind(store: Store, site: str, clock: StillClock) -> int:
    """Readings of a file whose revision is newer than the hub's clock; its drop had the right one."""
    now, behind = clock.now(), clock.now() - timedelta(days=3)
    sound = file(block(20000, [1] * 96, rev=int(now.timestamp()) - 3600))
    told = {"captured_at": now.isoformat().replace("+00:00", "Z")}
    late = replace(sound, received_at=behind, source=Source.RELAY, headers=told)
    first = (await store.payloads.deliver(site, late)).summary.accepted
    digest = await store.digest()
    assert (await store.replay()).digest == digest
    return first


async def test_a_hub_whose_clock_is_behind_refuses_no_reading(
    store: Store, site: str, clock: StillClock
) -> None:
    assert await accepted_by_a_clock_behind(store, site, clock) == 96


async def test_sabotage_clock_back_is_noticed_by_readings(store: Store, site: str, clock: StillClock) -> None:
    with sabotage("clock_back"):
        assert await accepted_by_a_clock_behind(store, site, clock) == 0


async def read_at_last(store: Store, site: str, clock: StillClock, off: tuple[str, ...] = ()) -> str:
    """The state of a sound payload after the database failed at its reading more often than is allowed."""
    id = await orphan(store, site, file(block(20000, [1] * 96)))

    def full() -> None:
        raise TryLater("The disk is full.")

    arm("hub.before_ledger_commit", full)
    clock.pass_by(seconds=121)
    with sabotage(*off):
        for _ in range(MOST_ATTEMPTS + 2):
            await store.payloads.read_orphans()
    disarm()
    await store.payloads.read_orphans()
    return (await store.payloads.get(id)).state


async def test_a_databases_trouble_is_not_the_files(store: Store, site: str, clock: StillClock) -> None:
    assert await read_at_last(store, site, clock) == "read"


async def test_sabotage_attempt_back_is_noticed(store: Store, site: str, clock: StillClock) -> None:
    assert await read_at_last(store, site, clock, off=("attempt_back",)) == "rejected"


async def test_a_file_that_is_delivered_in_such_trouble_is_not_counted_either(
    store: Store, site: str
) -> None:
    def full() -> None:
        raise TryLater("The disk is full.")

    payload = file(block(20000, [1] * 96))
    arm("hub.before_ledger_commit", full)
    for _ in range(MOST_ATTEMPTS + 2):
        with pytest.raises(TryLater):
            await store.payloads.deliver(site, payload)
    disarm()
    assert (await store.payloads.deliver(site, payload)).state == "read"
