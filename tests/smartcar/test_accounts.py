"""Whose cars are whose in v3: only the vendor's own list proves it, and only by what we made up ourselves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from httpx2 import AsyncClient

from tests.turning import TurningClock
from wattledger.connectors.http import open_client
from wattledger.connectors.smartcar import accounts
from wattledger.connectors.smartcar.auth import V3
from wattledger.connectors.smartcar.lists import Granted
from wattledger.errors import LoginRequired, Refused, TryLater
from wattledger.faults import sabotage
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import Vehicle, named_id


@pytest.fixture
async def http(vendor: SmartcarSimulator, clock: TurningClock) -> AsyncIterator[AsyncClient]:
    app = V3(vendor.client_id, vendor.app.client_id, vendor.app.client_secret, clock=clock)
    async with open_client(vendor.url) as client:
        token = await app.token(client)
        client.headers["authorization"] = f"Bearer {token.access}"
        yield client


class Sleeps:
    """Nobody waits in tests."""

    def __init__(self) -> None:
        self.waited = 0.0

    async def __call__(self, seconds: float) -> None:
        self.waited += seconds


async def verified(
    http: AsyncClient, clock: TurningClock, user: str, external: str, mode: str = "live"
) -> tuple[list[Granted], float]:
    sleeps = Sleeps()
    found = await accounts.verified(http, user, mode, external, clock=clock, sleep=sleeps)
    return found, sleeps.waited


async def test_ours_is_believed(vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock) -> None:
    vendor.link(external_id="ours")
    found, waited = await verified(http, clock, vendor.user, "ours")
    assert [car.vehicle for car in found] == list(vendor.garage.vehicles)
    assert waited == 0


async def foreign(vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock) -> bool:
    """Whether somebody else's account is believed to be ours."""
    vendor.link(user="victim", external_id="theirs")
    try:
        found, _ = await verified(http, clock, "victim", "ours")
    except Refused as refused:
        assert refused.code == "unverified"
        return False
    return bool(found)


async def test_a_planted_user_id_is_refused(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    assert not await foreign(vendor, http, clock)


async def test_sabotage_v3_foreign_user_is_noticed(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    with sabotage("v3_foreign_user"):
        assert await foreign(vendor, http, clock)


@pytest.mark.parametrize("external", ["", "ours "])
async def test_nothing_less_than_the_same_word_proves_it(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock, external: str
) -> None:
    vendor.link(external_id="ours" if external else None)
    with pytest.raises(Refused):
        await verified(http, clock, vendor.user, external)


async def test_the_mode_must_be_the_same(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    vendor.link(external_id="ours", mode="simulated")
    assert (await verified(http, clock, vendor.user, "ours", "simulated"))[0]
    with pytest.raises(Refused):
        await verified(http, clock, vendor.user, "ours", "live")


async def test_a_late_list_is_waited_for(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    vendor.link(external_id="ours")
    vendor.listing_late = 6
    found, waited = await verified(http, clock, vendor.user, "ours")
    assert found
    assert 0 < waited <= 30


async def test_an_empty_list_is_given_up_after_half_a_minute(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    sleeps = Sleeps()
    with pytest.raises(Refused):
        await accounts.verified(http, vendor.user, "live", "ours", clock=clock, sleep=sleeps)
    assert 20 <= sleeps.waited <= 30


async def test_every_page_is_read(vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock) -> None:
    for n in range(120):
        vendor.add(Vehicle(named_id(f"car {n}"), "KIA", "EV6", 2024))
    vendor.link(external_id="ours")
    found, _ = await verified(http, clock, vendor.user, "ours")
    assert {car.vehicle for car in found} == set(vendor.garage.vehicles)
    assert vendor.asked("/v3/connections") == 3


async def test_a_list_that_contradicts_itself_is_no_empty_one(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    vendor.script.fail("/v3/connections", 200, {"data": [], "meta": {"totalCount": 3}})
    with pytest.raises(TryLater, match="0 of 3"):
        await accounts.listed(http, clock.now())
    bodies: list[object] = [{}, {"data": 5}, []]
    for body in bodies:
        vendor.script.fail("/v3/connections", 200, body)
        with pytest.raises(TryLater):
            await accounts.listed(http, clock.now())
    vendor.app.expire()
    with pytest.raises(LoginRequired):
        await accounts.listed(http, clock.now())


async def test_ending_access(vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock) -> None:
    (car,) = vendor.garage.vehicles
    vendor.link(external_id="ours")
    vendor.link(user="somebody-else", external_id="theirs")
    await accounts.end_vehicle(http, vendor.user, "live", car, clock.now())
    assert [grant.user for grant in vendor.garage.grants] == ["somebody-else"]
    await accounts.end_vehicle(http, vendor.user, "live", car, clock.now())
    await accounts.end_user(http, "somebody-else", clock.now())
    assert vendor.garage.grants == []
    await accounts.end_user(http, "somebody-else", clock.now())
    vendor.script.fail("/v3/users", 503)
    with pytest.raises(TryLater):
        await accounts.end_user(http, "somebody-else", clock.now())
