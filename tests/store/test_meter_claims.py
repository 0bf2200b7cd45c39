"""Meters that a site asked an agreement for go to it with their first data, and to nobody by a trick."""

from __future__ import annotations

import pytest
from tests.store.fake import block, file
from tests.store.test_deliver import METER, a_site

from wattledger.errors import NotFound, Refused
from wattledger.faults import sabotage
from wattledger.model import PointKind, Source, UsagePoint
from wattledger.store import Store

DAY = 20240


@pytest.fixture
async def other(store: Store) -> str:
    await a_site(store, "f" * 32)
    return "f" * 32


async def holder(store: Store) -> str:
    return (await store.points.by_external(METER)).site


async def test_the_first_data_makes_it_the_sites(store: Store, site: str, other: str) -> None:
    await store.meter_claims.claim(METER, other, None, "tests")
    await store.payloads.deliver(site, file(block(DAY, [5] * 96), source=Source.RELAY))
    assert await holder(store) == other
    assert await store.meter_claims.list(None) == []


async def test_where_two_wait_neither_gets_it(store: Store, site: str, other: str) -> None:
    third = "e" * 32
    await a_site(store, third)
    for where in (other, third):
        await store.meter_claims.claim(METER, where, None, "tests")
    await store.payloads.deliver(site, file(block(DAY, [5] * 96), source=Source.RELAY))
    assert await holder(store) == site


async def test_an_upload_settles_no_claim(store: Store, site: str, other: str) -> None:
    await store.meter_claims.claim(METER, other, None, "tests")
    await store.payloads.deliver(site, file(block(DAY, [5] * 96), source=Source.UPLOAD))
    assert await holder(store) == site


async def stolen(store: Store, site: str, other: str) -> bool:
    await store.payloads.deliver(site, file(block(DAY, [5] * 96), source=Source.RELAY))
    try:
        await store.meter_claims.claim(METER, other, None, "tests")
    except Refused:
        return False
    return True


async def test_a_meter_that_somebody_holds_cannot_be_claimed(store: Store, site: str, other: str) -> None:
    assert not await stolen(store, site, other)
    await store.meter_claims.claim(METER, site, None, "tests")


async def test_sabotage_meter_claim_is_noticed(store: Store, site: str, other: str) -> None:
    with sabotage("meter_claim"):
        assert await stolen(store, site, other)


async def test_a_meter_is_given_before_anything_of_it_came(store: Store, site: str, other: str) -> None:
    new = UsagePoint(PointKind.METER, METER, "Meter", "America/Chicago", {})
    for _ in range(2):
        assert (await store.points.assign(METER, other, "tests", ("fake", new))).site == other
    await store.payloads.deliver(site, file(block(DAY, [5] * 96), source=Source.RELAY))
    assert await holder(store) == other
    with pytest.raises(NotFound):
        await store.points.assign("8" * 17, "d" * 32, "tests", ("fake", new))
