"""What `wattledger doctor` checks of the vendor's API: the token, one call with it, one without."""

from __future__ import annotations

from collections.abc import AsyncIterator

from wattledger.cli.checks import Check, NotAsked, Verdict, Worth, check
from wattledger.clock import SystemClock
from wattledger.config import Settings
from wattledger.connectors.http import HttpAnswer, exchange, open_client
from wattledger.connectors.smart_meter_texas.api.answers import outcome
from wattledger.connectors.smart_meter_texas.api.client import new_trans_id
from wattledger.connectors.smart_meter_texas.api.outcomes import NotAuthorised, NotIntegrated
from wattledger.connectors.smart_meter_texas.api.requests import Requester, calls
from wattledger.connectors.smart_meter_texas.auth import sign_in
from wattledger.errors import LoginRequired

HARMLESS = "agreements"
"""a request that only reads"""


async def api_checks(settings: Settings) -> AsyncIterator[Check]:
    """Token, a call with it, a call without it. The calls are made once the token was given."""
    if settings.smt_password is None:
        reason = "SMT_PASSWORD is not set: files come without it, backfill and live reads do not."
        yield Check("api token", Verdict.SKIPPED, reason)
        return
    tokens: list[str] = []
    yield await check("api token", _token(settings, tokens))
    if tokens:
        yield await check("api with token", _with(settings, tokens[0]))
        yield await check("api without token", _without(settings))


async def _token(settings: Settings, tokens: list[str]) -> str:
    assert settings.smt_password
    async with open_client(settings.smt_api_base_url) as http:
        said = await sign_in(http, settings.smt_username, settings.smt_password.get_secret_value())
    tokens.append(said.access)
    return f"{settings.smt_username} is let in at {settings.smt_api_base_url}; it lives {said.expires_in} s."


async def _with(settings: Settings, token: str) -> str:
    answer = await _ask(settings, {"Authorization": f"Bearer {token}"})
    said = outcome(answer)
    if isinstance(said, NotIntegrated):
        raise Worth("The call was let in; this account gets no data by API (2076), files do come.")
    if isinstance(said, NotAuthorised) or answer.status == 401:
        raise LoginRequired(f"The vendor refused a call with a fresh token ({said.code} {said.message}).")
    return f"A call with the token was answered ({answer.status})."


async def _without(settings: Settings) -> str:
    answer = await _ask(settings, {})
    if answer.status < 400:
        raise Worth(f"A call without a token was answered {answer.status}; it should have been refused.")
    return f"A call without a token was refused ({answer.status}), as it must be."


async def _ask(settings: Settings, headers: dict[str, str]) -> HttpAnswer:
    if settings.smt_requestor_auth_id is None:
        raise NotAsked("SMT_REQUESTOR_AUTH_ID is not set: without the DUNS number no call can be made.")
    clock = SystemClock()
    who = Requester(settings.smt_username, settings.smt_requester_type, settings.smt_requestor_auth_id)
    call = calls(HARMLESS, {}, who, clock.now().date())[0][0]
    body = {"trans_id": new_trans_id(clock), **call.body}
    async with open_client(settings.smt_api_base_url) as http:
        return await exchange(http, "POST", call.path, json=body, headers=headers)
