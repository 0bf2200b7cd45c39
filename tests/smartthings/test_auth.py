"""The two grants against the simulated vendor: the pasted token to the second, OAuth with strict rotation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import AsyncClient

from tests.turning import TurningClock
from wattledger.connectors.base import OAuthGrant, Token
from wattledger.connectors.http import open_client
from wattledger.connectors.smartthings.auth import Grants, OAuth, Pasted
from wattledger.errors import LoginRequired, Misconfigured, TryLater
from wattledger.simulators.smartthings import SmartThingsSimulator


@pytest.fixture
async def http(vendor: SmartThingsSimulator) -> AsyncIterator[AsyncClient]:
    async with open_client(vendor.url) as client:
        yield client


@pytest.fixture
def app(vendor: SmartThingsSimulator, clock: TurningClock) -> OAuth:
    issuer = vendor.issuer
    return OAuth(issuer.client_id, issuer.client_secret, issuer.redirect_uri, vendor.url, clock=clock)


def pasted(clock: TurningClock, token: str = "a-token") -> dict[str, str]:
    return {"token": token, "set_at": clock.now().isoformat()}


async def test_a_pasted_token_lives_for_24_hours(clock: TurningClock, http: AsyncClient) -> None:
    secrets, grant = pasted(clock), Grants(clock)
    ends = clock.now() + timedelta(hours=24)
    assert await grant.token(secrets, None, http) == Token("a-token", ends)
    clock.turn(hours=24, seconds=-1)
    assert (await grant.token(secrets, None, http)).expires_at == ends
    clock.turn(seconds=1)
    with pytest.raises(LoginRequired, match="24 hours"):
        await grant.token(secrets, None, http)


async def test_a_refused_pasted_token_is_not_tried_again(clock: TurningClock, http: AsyncClient) -> None:
    secrets, grant = pasted(clock), Pasted(clock)
    old = await grant.token(secrets, None, http)
    with pytest.raises(LoginRequired, match="no longer accepts"):
        await grant.token(secrets, old, http)
    assert (await grant.token(pasted(clock, "b-token"), old, http)).access == "b-token"
    clock.turn(hours=23, minutes=56)
    assert (await grant.token(secrets, old, http)).access == "a-token"


@pytest.mark.parametrize("token", ["a b", "a\nb", "ä-b", "x" * 5000])
async def test_a_token_that_fits_no_header(clock: TurningClock, http: AsyncClient, token: str) -> None:
    with pytest.raises(LoginRequired, match="paste it again"):
        await Grants(clock).token(pasted(clock, token), None, http)


async def test_a_connection_without_anything(clock: TurningClock, http: AsyncClient) -> None:
    with pytest.raises(LoginRequired):
        await Grants(clock).token({}, None, http)


async def test_the_way_to_consent_and_back(
    vendor: SmartThingsSimulator, app: OAuth, http: AsyncClient, clock: TurningClock
) -> None:
    assert isinstance(app, OAuthGrant)
    url = app.authorize_url("a state")
    asked = parse_qs(urlsplit(url).query)
    assert urlsplit(url).path == "/v1/oauth/authorize"
    assert asked == {
        "client_id": [app.client_id], "scope": ["r:devices:* r:locations:*"], "response_type": ["code"],
        "redirect_uri": [app.redirect_uri], "state": ["a state"],
    }  # fmt: skip
    back = parse_qs(urlsplit((await http.get(url)).headers["location"]).query)
    assert back["state"] == ["a state"]
    token = await app.exchange(back["code"][0], http)
    assert vendor.issuer.accepts(token.access)
    assert token.expires_at == clock.now() + timedelta(seconds=86399)
    assert token.extra["installed_app_id"]
    with pytest.raises(LoginRequired):
        await app.exchange(back["code"][0], http)


async def test_both_tokens_are_replaced(vendor: SmartThingsSimulator, app: OAuth, http: AsyncClient) -> None:
    first = await app.exchange(vendor.issuer.code(), http)
    secrets = {"client_id": app.client_id, "client_secret": app.client_secret}
    second = await Grants(vendor.clock).token(secrets, first, http)
    assert second.generation == first.generation + 1
    assert len({first.access, first.refresh, second.access, second.refresh}) == 4
    call = vendor.calls[-1]
    assert (call.path, call.form["grant_type"], call.form["client_id"]) == (
        "/v1/oauth/token", "refresh_token", app.client_id,
    )  # fmt: skip
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    with pytest.raises(LoginRequired) as error:
        await app.token({}, first, http)
    assert str(first.refresh) not in str(error.value)


async def test_the_old_refresh_token_is_kept_where_none_comes(
    vendor: SmartThingsSimulator, app: OAuth, http: AsyncClient
) -> None:
    first = await app.exchange(vendor.issuer.code(), http)
    vendor.issuer.omit_refresh = True
    second = await app.token({}, first, http)
    assert second.refresh == first.refresh
    assert second.extra == first.extra
    assert (await app.token({}, second, http)).access != second.access


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(86399, 86399), ("86001", 86001), (0, 60), (-1, 60), (299, 299), (10**12, 2592000), (None, 1800)],
)
async def test_lives_are_kept_within_bounds(
    vendor: SmartThingsSimulator,
    app: OAuth,
    http: AsyncClient,
    clock: TurningClock,
    said: object,
    seconds: int,
) -> None:
    vendor.script.fail("/oauth/token", 200, {"access_token": "x", "expires_in": said})
    token = await app.token({}, Token("a", clock.now(), "r"), http)
    assert token.expires_at == clock.now() + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "Invalid refresh token: r-secret"},
            LoginRequired,
        ),
        (400, {"error": "invalid_request"}, LoginRequired),
        (400, {"error": "invalid_client"}, Misconfigured),
        (401, {"error": "invalid_client"}, Misconfigured),
        (403, {}, LoginRequired),
        (429, {}, TryLater),
        (500, {}, TryLater),
        (503, {}, TryLater),
        (200, {}, TryLater),
        (200, {"access_token": 5}, TryLater),
        (200, {"access_token": "with space"}, TryLater),
        (200, [], TryLater),
    ],
)
async def test_what_a_refused_refresh_means(
    vendor: SmartThingsSimulator,
    app: OAuth,
    http: AsyncClient,
    status: int,
    body: object,
    error: type[Exception],
) -> None:
    vendor.script.fail("/oauth/token", status, body)
    with pytest.raises(error) as raised:
        await app.token({}, Token("a", vendor.clock.now(), "r-secret"), http)
    assert "r-secret" not in str(raised.value)
    assert "r-secret" not in repr(app)


async def test_html_in_place_of_a_token(vendor: SmartThingsSimulator, app: OAuth, http: AsyncClient) -> None:
    vendor.script.html("/oauth/token")
    with pytest.raises(TryLater):
        await app.token({}, Token("a", vendor.clock.now(), "r"), http)


async def test_the_other_path_is_tried_where_one_is_gone(
    vendor: SmartThingsSimulator, app: OAuth, http: AsyncClient
) -> None:
    first = await app.exchange(vendor.issuer.code(), http)
    vendor.script.fail("/v1/oauth/token", 404)
    assert (await app.token({}, first, http)).access != first.access


async def test_without_a_sign_in_nothing_is_asked(
    vendor: SmartThingsSimulator, app: OAuth, http: AsyncClient
) -> None:
    for old in (None, Token("a", vendor.clock.now())):
        with pytest.raises(LoginRequired):
            await app.token({}, old, http)
    assert vendor.calls == []


async def test_revoking_takes_our_installation_away(
    vendor: SmartThingsSimulator, app: OAuth, http: AsyncClient
) -> None:
    token = await app.exchange(vendor.issuer.code(), http)
    await app.revoke(token, http)
    assert not vendor.issuer.accepts(token.access)
    await app.revoke(token, http)
    await app.revoke(Token("a", vendor.clock.now()), http)
    assert vendor.asked("/installedapps/") == 2
