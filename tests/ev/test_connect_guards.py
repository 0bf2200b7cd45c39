"""What connecting is guarded by, and that each guard is missed where it is switched off."""

from __future__ import annotations

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.ev.helpers import EMAIL, NOTHING, consented, landed, rows
from tests.web.helpers import BASE, FakeClock, sign_in
from wattledger.faults import sabotage
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import second_car
from wattledger.store import Store


async def test_a_member_may_not(owner: AsyncClient, store: Store) -> None:
    back = await consented(owner)
    second = await store.people.add_user("second@example.org")
    member = next(m for m in await store.people.members((await store.sites.default()).id) if m.email == EMAIL)
    assert second.id != member.id
    await store.people.set_role(member.id, (await store.sites.default()).id, "member", "tests")
    assert (await owner.get("/v1/ev/connect")).status_code == 403
    assert landed(await owner.get(back))["error"] == "not_allowed"
    assert await rows(store) == NOTHING


async def test_sabotage_state_single_use_is_noticed(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    async def once() -> bool:
        back = await consented(owner)
        await owner.get(back)
        return landed(await owner.get(back))["error"] == "state_invalid"

    assert await once()
    with sabotage("state_single_use"):
        assert not await once()


async def test_sabotage_state_browser_is_noticed(
    app: FastAPI, stranger: AsyncClient, store: Store, clock: FakeClock
) -> None:
    await sign_in(stranger, store, EMAIL, clock.now())

    async def kept() -> bool:
        back = await consented(stranger)
        async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as thief:
            return landed(await thief.get(back)).get("error") == "state_invalid"

    assert await kept()
    with sabotage("state_browser"):
        assert not await kept()


async def test_sabotage_one_exchange_is_noticed(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    with sabotage("one_exchange"):
        vendor.script.lose("/oauth/token")
        await owner.get(await consented(owner))
        assert vendor.asked("/oauth/token") == 2


def test_another_household(vendor: SmartcarSimulator) -> None:
    assert second_car().id not in vendor.garage.vehicles
