"""Signing in to both generations against the simulated vendor; and what is never shown or posted twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import AsyncClient

from tests.turning import TurningClock
from wattledger.connectors.base import OAuthGrant, Token
from wattledger.connectors.http import open_client
from wattledger.connectors.smartcar.auth import SCOPES, V2, V3
from wattledger.errors import LoginRequired, Misconfigured, TryLater
from wattledger.faults import sabotage
from wattledger.simulators.smartcar import SmartcarSimulator


@pytest.fixture
async def http(vendor: SmartcarSimulator) -> AsyncIterator[AsyncClient]:
    async with open_client(vendor.url) as client:
        yield client


@pytest.fixture
def app(vendor: SmartcarSimulator, clock: TurningClock) -> V2:
    return V2(vendor.client_id, vendor.issuer.client_secret, vendor.redirect_uris[0], vendor.url, clock=clock)


def asked_in(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


def test_where_the_browser_goes_in_v2(app: V2, vendor: SmartcarSimulator) -> None:
    assert isinstance(app, OAuthGrant)
    url = app.authorize_url("s t&te")
    assert url.startswith(f"{vendor.url}/oauth/authorize?")
    assert asked_in(url) == {
        "response_type": "code",
        "client_id": vendor.client_id,
        "redirect_uri": vendor.redirect_uris[0],
        "scope": " ".join(SCOPES),
        "state": "s t&te",
        "mode": "live",
        "approval_prompt": "auto",
    }
    assert asked_in(V2("i", "s", "https://r/", mode="sandbox").authorize_url("s"))["mode"] == "simulated"


def test_where_the_browser_goes_in_v3() -> None:
    url = V3("the-application", redirect_uri="https://r/cb", mode="simulated").authorize_url("state", "ours")
    assert asked_in(url) == {
        "response_type": "code",
        "application_id": "the-application",
        "redirect_uri": "https://r/cb",
        "state": "state",
        "mode": "simulated",
        "external_id": "ours",
    }


async def test_a_code_gives_a_pair_and_a_refresh_another(
    vendor: SmartcarSimulator, app: V2, http: AsyncClient, clock: TurningClock
) -> None:
    first = await app.exchange(vendor.link(), http)
    assert first.expires_at == clock.now() + timedelta(hours=2)
    assert first.extra["refresh_until"] == (clock.now() + timedelta(days=60)).isoformat()
    clock.turn(hours=2)
    second = await app.token({}, first, http)
    assert second.access != first.access
    assert second.refresh != first.refresh
    assert vendor.issuer.user(second.access) == vendor.user
    assert first.refresh
    assert first.refresh not in repr(first)
    assert vendor.issuer.client_secret not in repr(app)


async def test_a_missing_refresh_token_keeps_the_old_one_and_its_end(
    vendor: SmartcarSimulator, app: V2, http: AsyncClient, clock: TurningClock
) -> None:
    first = await app.exchange(vendor.link(), http)
    vendor.issuer.omit_refresh = True
    clock.turn(days=1)
    second = await app.token({}, first, http)
    assert (second.refresh, second.extra) == (first.refresh, first.extra)


async def test_sixty_days_unused_end_a_sign_in_without_a_call(
    vendor: SmartcarSimulator, app: V2, http: AsyncClient, clock: TurningClock
) -> None:
    token = await app.exchange(vendor.link(), http)
    clock.turn(days=60)
    with pytest.raises(LoginRequired, match="60 days"):
        await app.token({}, token, http)
    assert vendor.asked("/oauth/token") == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [({}, 7200), ({"expires_in": "7100"}, 7100), ({"expires_in": 0}, 60), ({"expires_in": -1}, 60),
     ({"expires_in": 10**12}, 2592000), ({"expires_in": "soon"}, 1800), ({"expires_in": None}, 1800)],
)  # fmt: skip
async def test_lives_of_access_tokens(
    vendor: SmartcarSimulator,
    app: V2,
    http: AsyncClient,
    clock: TurningClock,
    said: dict[str, object],
    seconds: int,
) -> None:
    vendor.script.fail("/oauth/token", 200, {"access_token": "x", "refresh_token": "y", **said})
    token = await app.token({}, Token("a", clock.now(), "r"), http)
    assert token.expires_at == clock.now() + timedelta(seconds=seconds)


ECHO = "Invalid refresh_token: r-canary."
ANSWERS: list[tuple[int, object, type[Exception]]] = [
    (400, {"error": "invalid_grant", "error_description": ECHO}, LoginRequired),
    (400, {"error": "invalid_request", "error_description": ECHO}, LoginRequired),
    (401, {"error": "invalid_grant", "error_description": ECHO}, LoginRequired),
    (403, {"error": "access_denied", "error_description": ECHO}, LoginRequired),
    (400, {"error": "invalid_client", "error_description": ECHO}, Misconfigured),
    (400, {"error": "unauthorized_client", "error_description": ECHO}, Misconfigured),
    (401, {"error": "invalid_client", "error_description": ECHO}, Misconfigured),
    (401, {}, Misconfigured),
    (400, {"error_description": ECHO}, TryLater),
    (403, {}, TryLater),
    (404, {"error_description": ECHO}, TryLater),
    (429, {"error_description": ECHO}, TryLater),
    (500, {"error_description": ECHO}, TryLater),
    (503, {}, TryLater),
    (302, {}, TryLater),
    (200, {}, TryLater),
    (200, {"access_token": 5}, TryLater),
    (200, {"access_token": "with space"}, TryLater),
    (200, [ECHO], TryLater),
]


@pytest.mark.parametrize(("status", "body", "error"), ANSWERS)
async def test_what_a_refused_request_means(
    vendor: SmartcarSimulator,
    app: V2,
    http: AsyncClient,
    status: int,
    body: object,
    error: type[Exception],
    capfd: pytest.CaptureFixture[str],
) -> None:
    vendor.script.fail("/oauth/token", status, body, times=2)
    old = Token("a", vendor.clock.now(), "r-canary")
    for ask in (app.token({}, old, http), app.exchange("c-canary", http)):
        with pytest.raises(error) as raised:
            await ask
        assert "canary" not in str(raised.value)
        if error is Misconfigured:
            assert "SMARTCAR_CLIENT_SECRET" in str(raised.value)
    assert "canary" not in "".join(capfd.readouterr())


async def test_a_page_in_place_of_a_token(vendor: SmartcarSimulator, app: V2, http: AsyncClient) -> None:
    vendor.script.html("/oauth/token")
    with pytest.raises(TryLater):
        await app.token({}, Token("a", vendor.clock.now(), "r"), http)


async def codes_posted(vendor: SmartcarSimulator, app: V2, http: AsyncClient) -> int:
    vendor.script.lose("/oauth/token", times=2)
    with pytest.raises((TryLater, LoginRequired)):
        await app.exchange(vendor.link(), http)
    return vendor.asked("/oauth/token")


async def test_a_code_is_posted_once_whatever_comes(
    vendor: SmartcarSimulator, app: V2, http: AsyncClient
) -> None:
    assert await codes_posted(vendor, app, http) == 1


async def test_sabotage_one_exchange_is_noticed(
    vendor: SmartcarSimulator, app: V2, http: AsyncClient
) -> None:
    with sabotage("one_exchange"):
        assert await codes_posted(vendor, app, http) > 1


async def test_revoking_ends_access_to_each_car(
    vendor: SmartcarSimulator, app: V2, http: AsyncClient
) -> None:
    from wattledger.simulators.smartcar_garage import second_car

    vendor.add(second_car())
    token = await app.exchange(vendor.link(), http)
    home, second = vendor.garage.vehicles
    await app.revoke(token, http, [second])
    assert [grant.vehicle.id for grant in vendor.garage.of(vendor.user)] == [home]
    await app.revoke(token, http)
    assert vendor.garage.grants == []
    with pytest.raises(LoginRequired):  # a new token is tried before it is believed
        await app.revoke(token, http, [home])
    await app.revoke(token, http)


async def test_one_cars_trouble_keeps_no_other_connected(
    vendor: SmartcarSimulator, app: V2, http: AsyncClient
) -> None:
    from wattledger.simulators.smartcar_garage import second_car

    vendor.add(second_car())
    token = await app.exchange(vendor.link(), http)
    home, second = vendor.garage.vehicles
    vendor.script.fail(f"{home}/application", 503)
    with pytest.raises(TryLater):
        await app.revoke(token, http, [home, second])
    assert [grant.vehicle.id for grant in vendor.garage.of(vendor.user)] == [home]
