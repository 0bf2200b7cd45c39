"""Which generation a connection is, and the one token of the application for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from httpx2 import AsyncClient

from tests.turning import TurningClock
from wattledger.connectors.http import open_client
from wattledger.connectors.smartcar.auth import V2, Grants
from wattledger.errors import LoginRequired, Misconfigured, TryLater
from wattledger.simulators.smartcar import SmartcarSimulator


@pytest.fixture
async def http(vendor: SmartcarSimulator) -> AsyncIterator[AsyncClient]:
    async with open_client(vendor.url) as client:
        yield client


@pytest.fixture
def app(vendor: SmartcarSimulator, clock: TurningClock) -> V2:
    return V2(vendor.client_id, vendor.issuer.client_secret, vendor.redirect_uris[0], vendor.url, clock=clock)


def secrets_of(vendor: SmartcarSimulator, **more: str) -> dict[str, str]:
    return {
        "client_id": vendor.client_id,
        "client_secret": vendor.issuer.client_secret,
        "api_client_id": vendor.app.client_id,
        "api_client_secret": vendor.app.client_secret,
        **more,
    }


async def test_which_generation_a_connection_is(
    vendor: SmartcarSimulator, app: V2, http: AsyncClient, clock: TurningClock
) -> None:
    grants, both = Grants(clock), secrets_of(vendor)
    pair = await app.exchange(vendor.link(), http)
    assert (await grants.token(both, pair, http)).refresh
    assert (await grants.token({**both, "api": "v2"}, pair, http)).refresh
    assert (await grants.token(both, None, http)).extra["api"] == "v3"
    assert (await grants.token({**both, "api": "v3"}, pair, http)).refresh is None
    with pytest.raises(LoginRequired):
        await grants.token({**both, "api": "v2"}, None, http)
    with pytest.raises(Misconfigured, match="SMARTCAR_CLIENT_ID"):
        await grants.token({}, pair, http)
    with pytest.raises(Misconfigured, match="SMARTCAR_API_CLIENT_SECRET"):
        await grants.token({"api": "v3", "api_client_id": "x"}, None, http)


async def test_one_token_of_the_application_for_everybody(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    import asyncio

    grants, secrets = Grants(clock), secrets_of(vendor, api="v3")
    tokens = await asyncio.gather(*(grants.token(secrets, None, http) for _ in range(8)))
    assert len({token.access for token in tokens}) == 1
    assert vendor.asked("/oauth2/token") == 1
    assert vendor.app.accepts(tokens[0].access)


async def test_a_refused_token_of_the_application_is_renewed_once_for_everybody(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    import asyncio

    grants, secrets = Grants(clock), secrets_of(vendor, api="v3")
    old = await grants.token(secrets, None, http)
    vendor.app.expire()
    renewed = await asyncio.gather(*(grants.token(secrets, old, http) for _ in range(8)))
    assert len({token.access for token in renewed}) == 1
    assert vendor.app.accepts(renewed[0].access)
    assert vendor.asked("/oauth2/token") == 2
    assert renewed[0].extra["renewed_at"] == clock.now().isoformat()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_request", "error_description": "secret-canary"}, Misconfigured),
        (401, {"error": "invalid_client", "error_description": "secret-canary"}, Misconfigured),
        (429, {}, TryLater),
        (500, {}, TryLater),
        (200, {"error": "x"}, TryLater),
    ],
)
async def test_what_a_refused_application_means(
    vendor: SmartcarSimulator,
    http: AsyncClient,
    clock: TurningClock,
    status: int,
    body: object,
    error: type[Exception],
) -> None:
    vendor.script.fail("/oauth2/token", status, body)
    with pytest.raises(error) as raised:
        await Grants(clock).token(secrets_of(vendor, api="v3"), None, http)
    assert "canary" not in str(raised.value)
    if error is Misconfigured:
        assert "SMARTCAR_API_CLIENT_SECRET" in str(raised.value)


async def test_wrong_credentials_are_not_asked_with_again_at_once(
    vendor: SmartcarSimulator, http: AsyncClient, clock: TurningClock
) -> None:
    grants, secrets = Grants(clock), {**secrets_of(vendor, api="v3"), "api_client_secret": "wrong"}
    for _ in range(5):
        with pytest.raises(Misconfigured):
            await grants.token(secrets, None, http)
    assert vendor.asked("/oauth2/token") == 1
