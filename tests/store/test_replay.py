"""Replay, withdrawal, rereading, another zone: the archive is the ledger."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.store import fake
from tests.store.fake import block, file
from tests.store.test_deliver import a_site

from wattledger import localday
from wattledger.errors import NotFound, Refused
from wattledger.model import FIXED_ZONE, Flow, Parsed, Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store

METER = "10443720001234567"


async def filled(store: Store, site: str) -> str:
    await store.payloads.deliver(site, file(block(20000, [1] * 96, rev=5), block(20001, [None, 4] * 48)))
    await store.payloads.deliver(site, file(block(20000, [2] * 96, rev=9), points=(METER,), name="b"))
    await store.payloads.deliver(site, file(block(20000, [9] * 96), points=("2" * 17,)))
    await store.payloads.deliver(site, Payload("toy", Source.RELAY, b"rubbish", fake.RECEIVED))
    return await store.digest()


async def test_replay_reaches_the_same_digest(store: Store, site: str) -> None:
    before = await filled(store, site)
    async with store.begin() as connection:
        await connection.execute(text("DELETE FROM energy_day"))
        await connection.execute(text("DELETE FROM energy_superseded"))
    assert await store.digest() != before
    steps: list[tuple[int, int]] = []
    result = await store.replay(progress=lambda done, total: steps.append((done, total)))
    assert (result.digest, result.payloads, result.points) == (before, 4, 2)
    assert steps[-1] == (4, 4)
    point = await store.points.by_external(METER)
    assert len(await store.energy.revisions(point, Flow.DELIVERED, 20000, 20000)) == 96


async def test_a_site_is_replayed_alone(store: Store, site: str) -> None:
    before = await filled(store, site)
    other = await a_site(store, "f" * 32)
    await store.payloads.deliver(other, file(block(20000, [3] * 96), points=("3" * 17,)))
    await store.payloads.deliver(other, file(block(20001, [8] * 96, rev=3)))
    both = await store.digest()
    assert both != before
    assert (await store.replay(other)).payloads == 2
    assert await store.digest() == both
    assert (await store.replay()).digest == both


async def test_withdrawal_recomputes_the_ledger_without_the_file(store: Store, site: str) -> None:
    await store.payloads.deliver(site, file(block(20000, [1] * 96)))
    before = await store.digest()
    receipt = await store.payloads.deliver(site, file(block(20000, [5] * 96, rev=3), block(20009, [5])))
    await store.payloads.withdraw(receipt.id, site, "owner@example.com")
    assert await store.digest() == before
    assert (await store.payloads.get(receipt.id)).state == "withdrawn"
    assert await store.payloads.body(receipt.id, site)
    again = await store.payloads.deliver(site, file(block(20000, [5] * 96, rev=3), block(20009, [5])))
    assert (again.duplicate, again.state, await store.digest()) == (True, "withdrawn", before)
    assert [row.action for row in await store.audit.list() if "withdrawn" in row.action] == [
        "payload.withdrawn"
    ]
    with pytest.raises(Refused):
        await store.payloads.reread(receipt.id, site)
    with pytest.raises(NotFound):
        await store.payloads.withdraw(receipt.id, "another site", "thief@example.com")


async def test_observations_of_a_withdrawn_file_go_and_repeats_stay(store: Store, site: str) -> None:
    seen = [{"at": "2025-05-01T00:00:00+00:00", "values": {"register_wh": 5}}]
    first = await store.payloads.deliver(site, file(block(20000, [1]), observations=seen))
    second = await store.payloads.deliver(site, file(block(20001, [1]), observations=seen))
    assert await observed(store) == [(5, first.id)]
    await store.payloads.withdraw(first.id, site, "me")
    assert await observed(store) == [(5, second.id)]
    await store.payloads.withdraw(second.id, site, "me")
    assert await observed(store) == []


async def observed(store: Store) -> list[tuple[int, int]]:
    point = await store.points.by_external(METER)
    rows = await store.observations.list(point, localday.start(20000, "UTC"), localday.start(21000, "UTC"))
    return [(row.values["register_wh"], row.payload) for row in rows]


async def test_a_better_parser_reads_a_rejected_file(database_url: str, tmp_path: Path) -> None:
    bad = Payload("toy", Source.RELAY, b"rubbish", fake.RECEIVED)
    old = await open_store(database_url, data=tmp_path, parse=fake.parse, vault=Vault({}))
    site = (await old.sites.default()).id
    receipt = await old.payloads.deliver(site, bad)
    await old.close()
    new = await open_store(database_url, data=tmp_path, parse=_better, vault=Vault({}))
    again = await new.payloads.reread(receipt.id, site)
    assert (again.state, again.summary.accepted) == ("read", 96)
    assert (await new.energy.coverage(await new.points.by_external(METER), Flow.DELIVERED)).total_wh == 96
    await new.close()


def _better(payload: Payload) -> Parsed:
    return fake.parse(file(block(20000, [1] * 96)) if payload.body == b"rubbish" else payload)


async def test_another_zone_moves_days_and_keeps_instants(store: Store, site: str) -> None:
    await store.payloads.deliver(site, file(block(20000, list(range(96))), block(20001, list(range(96)))))
    point = await store.points.by_external(METER)
    start, end = localday.start(19990, "UTC"), localday.start(20010, "UTC")
    before = await store.energy.series(point, Flow.DELIVERED, start, end, "interval")
    digest = await store.digest()
    moved = await store.points.set_timezone(point.id, "Europe/Berlin", site)
    after = await store.energy.series(moved, Flow.DELIVERED, start, end, "interval")
    assert [(p.start, p.wh) for p in before] == [(p.start, p.wh) for p in after]
    assert await store.digest() != digest
    later = await store.payloads.deliver(site, file(block(20002, [7] * 96), name="later"))
    assert later.summary.accepted == 96
    assert (await store.energy.days(point.id, Flow.DELIVERED, 20003, 20003))[0].found == 28
    await store.points.set_timezone(point.id, "America/Chicago", site)
    assert (await store.energy.days(point.id, Flow.DELIVERED, 20002, 20002))[0].total_wh == 96 * 7


async def test_a_fixed_zone_is_kept(store: Store, site: str) -> None:
    await store.payloads.deliver(site, file(block(20000, [1])))
    point = await store.points.by_external(METER)
    await store.points.set_timezone(point.id, "America/Denver")
    await store.payloads.deliver(site, file(block(20001, [1]), details=dict(FIXED_ZONE)))
    with pytest.raises(Refused, match="is fixed") as refused:
        await store.points.set_timezone(point.id, "America/New_York")
    assert refused.value.code == "FIXED_ZONE"
    assert (await store.points.get(point.id)).timezone == "America/Denver"


async def test_deliveries_during_a_replay_are_not_lost(store: Store, site: str) -> None:
    for i in range(5):
        await store.payloads.deliver(site, file(block(20000 + i, [i] * 96)))

    async def deliver() -> None:
        for i in range(5, 15):
            await store.payloads.deliver(site, file(block(20000 + i, [i] * 96)))

    async def replay() -> None:
        for _ in range(4):
            await store.replay()

    await asyncio.gather(deliver(), replay())
    point = await store.points.by_external(METER)
    known = await store.energy.coverage(point, Flow.DELIVERED)
    assert (known.found, known.total_wh) == (15 * 96, 96 * sum(range(15)))
