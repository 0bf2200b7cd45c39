"""Delivering payloads: what is archived, what is accepted, what is said."""

from __future__ import annotations

from datetime import date

from tests.store.fake import RECEIVED, block, file

from wattledger.model import Flag, Flow, Payload, Source
from wattledger.store import Store

DAY = 20240
METER = "10443720001234567"


async def wh(store: Store, day: int = DAY) -> list[int]:
    point = await store.points.by_external(METER)
    blocks = await store.energy.days(point.id, Flow.DELIVERED, day, day)
    return blocks[0].values.tolist() if blocks else []


async def test_a_file_is_read_and_accounted(store: Store, site: str) -> None:
    receipt = await store.payloads.deliver(site, file(block(DAY, [*range(95), None])))
    summary = receipt.summary
    assert (receipt.state, receipt.duplicate, receipt.kind) == ("read", False, "interval")
    assert (summary.rows, summary.accepted, summary.blank, summary.superseded) == (96, 95, 1, 0)
    assert summary.wh == {"delivered": sum(range(95))}
    assert (summary.days, summary.gaps, summary.first_day) == (1, 1, date(2025, 6, 1))
    assert [p.external_id for p in summary.points] == [METER]
    assert (await wh(store))[:95] == list(range(95))


async def test_the_same_file_again_changes_nothing(store: Store, site: str) -> None:
    first = await store.payloads.deliver(site, file(block(DAY, [1] * 96)))
    before = await store.digest()
    again = await store.payloads.deliver(site, file(block(DAY, [1] * 96)))
    assert again.duplicate
    assert (again.id, again.summary) == (first.id, first.summary)
    assert await store.digest() == before
    assert len(await store.payloads.list(site)) == 1


async def test_polls_are_payloads_of_their_own(store: Store, site: str) -> None:
    for _ in range(2):
        receipt = await store.payloads.deliver(site, file(block(DAY, [1] * 96), source=Source.POLL))
        assert not receipt.duplicate
    assert len(await store.payloads.list(site)) == 2


async def test_the_greatest_revision_holds_whatever_the_order(store: Store, site: str) -> None:
    await store.payloads.deliver(site, file(block(DAY, [5] * 96, rev=2000)))
    late = await store.payloads.deliver(site, file(block(DAY, [9] * 96, rev=1000)))
    assert (late.summary.accepted, late.summary.superseded) == (0, 96)
    assert await wh(store) == [5] * 96


async def test_repeats_in_one_file_count_once(store: Store, site: str) -> None:
    receipt = await store.payloads.deliver(
        site, file(block(DAY, [5] * 96), block(DAY, [5] * 96), block(DAY, [7] * 10, rev=1))
    )
    summary = receipt.summary
    assert (summary.rows, summary.accepted, summary.superseded) == (202, 96, 106)
    assert await wh(store) == [7] * 10 + [5] * 86


async def test_an_actual_reading_beats_an_estimate(store: Store, site: str) -> None:
    await store.payloads.deliver(site, file(block(DAY, [5] * 96, fl=[Flag.ACTUAL] * 96)))
    await store.payloads.deliver(site, file(block(DAY, [9] * 96, fl=[Flag.ESTIMATED] * 96)))
    assert await wh(store) == [5] * 96


async def test_equal_right_and_other_values_are_a_conflict(store: Store, site: str) -> None:
    await store.payloads.deliver(site, file(block(DAY, [5] * 96)))
    receipt = await store.payloads.deliver(site, file(block(DAY, [4] * 95 + [5])))
    assert (receipt.summary.conflicts, receipt.summary.accepted) == (95, 1)
    point = await store.points.by_external(METER)
    (day,) = await store.energy.days(point.id, Flow.DELIVERED, DAY, DAY)
    assert day.values.tolist() == [5] * 96
    assert (day.flags == [int(Flag.CONFLICT)] * 95 + [0]).all()


async def test_a_revision_from_the_future_is_refused(store: Store, site: str) -> None:
    tomorrow = int(RECEIVED.timestamp()) + 86401
    receipt = await store.payloads.deliver(
        site, file(block(DAY, [5] * 96, rev=tomorrow), block(DAY + 1, [1]))
    )
    assert (receipt.summary.accepted, receipt.summary.rejected) == (1, 96)
    assert "2025-06-02" in receipt.summary.rejections[0].reason


async def test_an_upload_stays_within_its_site(store: Store, site: str) -> None:
    other = await a_site(store, "f" * 32)
    await store.payloads.deliver(site, file(block(DAY, [5] * 96)))
    stolen = await store.payloads.deliver(other, file(block(DAY, [9] * 96, rev=9), source=Source.UPLOAD))
    assert (stolen.summary.rejected, stolen.summary.accepted, stolen.summary.points) == (96, 0, [])
    assert await wh(store) == [5] * 96
    relayed = await store.payloads.deliver(other, file(block(DAY, [7] * 96, rev=9)))
    assert relayed.summary.accepted == 96
    assert (await store.points.by_external(METER)).site == site


async def test_bad_bytes_are_kept_with_the_reason(store: Store, site: str) -> None:
    bad = Payload("toy", Source.RELAY, b"\x00rubbish", RECEIVED, "bad.json")
    receipt = await store.payloads.deliver(site, bad)
    assert (receipt.state, receipt.reason) == ("rejected", "This is no toy file.")
    assert await store.payloads.body(receipt.id, site) == b"\x00rubbish"
    buggy = await store.payloads.deliver(site, file(block(DAY, [1]), crash=1))
    assert buggy.state == "rejected"
    assert "RuntimeError" in (buggy.reason or "")
    assert (await store.payloads.deliver(site, file(block(DAY, [1])))).state == "read"


async def a_site(store: Store, id: str) -> str:
    from sqlalchemy import insert

    from wattledger.store.tables import site as table

    async with store.begin() as connection:
        await connection.execute(
            insert(table).values(id=id, name="Other", timezone="America/Chicago", created_at=RECEIVED)
        )
    return id
