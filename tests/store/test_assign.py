"""A usage point given to another site: whose uploads count is then settled anew."""

from __future__ import annotations

import pytest
from tests.store.fake import block, file
from tests.store.test_deliver import METER, a_site, wh

from wattledger.faults import arm, disarm
from wattledger.model import Source
from wattledger.store import Store

DAY = 20240
OTHER = "9" * 17


@pytest.fixture
async def other(store: Store) -> str:
    await a_site(store, "f" * 32)
    return "f" * 32


async def test_refused_uploads_are_read_when_the_meter_comes(store: Store, site: str, other: str) -> None:
    await store.payloads.deliver(site, file(block(DAY, [5] * 96, rev=1)))
    both = file(
        block(DAY, [9] * 96, rev=2), block(DAY, [3] * 96, p=1), points=(METER, OTHER), source=Source.UPLOAD
    )
    refused = await store.payloads.deliver(other, both)
    assert (refused.summary.rejected, await wh(store)) == (96, [5] * 96)
    assert (await store.points.assign(METER, other)).site == other
    assert await wh(store) == [9] * 96
    row = await store.payloads.get(refused.id, other)
    assert (row.summary["accepted"], row.summary["rejections"]) == (192, [])
    assert {name for _, name, _ in row.summary["points"]} == {METER, OTHER}
    await _replays_alike(store)


async def test_uploads_of_the_site_before_no_longer_count(store: Store, site: str, other: str) -> None:
    mine = await store.payloads.deliver(site, file(block(DAY, [5] * 96, rev=2), source=Source.UPLOAD))
    await store.payloads.deliver(site, file(block(DAY, [4] * 96, rev=1)))
    await store.points.assign(METER, other)
    assert await wh(store) == [4] * 96
    (refusal,) = (await store.payloads.get(mine.id, site)).summary["rejections"]
    assert (refusal["reason"], refusal["count"]) == (f"{METER} is not held by this site.", 96)
    await _replays_alike(store)
    await store.points.assign(METER, site)
    assert await wh(store) == [5] * 96
    assert (await store.payloads.get(mine.id, site)).summary["rejections"] == []


async def test_uploads_that_were_refused_for_another_meter_are_left(
    store: Store, site: str, other: str
) -> None:
    for name, wh_ in ((METER, 5), (OTHER, 6)):
        await store.payloads.deliver(site, file(block(DAY, [wh_] * 96), points=(name,)))
    left = await store.payloads.deliver(
        other, file(block(DAY, [9] * 96, rev=2), points=(OTHER,), source=Source.UPLOAD)
    )
    await store.points.assign(METER, other)
    assert (await store.payloads.get(left.id, other)).summary["rejected"] == 96
    assert await wh(store) == [5] * 96


async def test_assigning_again_completes_what_was_cut_short(store: Store, site: str, other: str) -> None:
    await store.payloads.deliver(site, file(block(DAY, [5] * 96, rev=1)))
    upload = file(block(DAY, [9] * 96, rev=2), source=Source.UPLOAD)
    await store.payloads.deliver(other, upload)

    def stop() -> None:
        raise RuntimeError("cut short")

    arm("hub.before_replay_commit", stop)
    with pytest.raises(RuntimeError, match="cut short"):
        await store.points.assign(METER, other)
    disarm()
    assert await wh(store) == [5] * 96
    await store.points.assign(METER, other)
    assert await wh(store) == [9] * 96


async def _replays_alike(store: Store) -> None:
    before = await store.digest()
    assert (await store.replay()).digest == before
