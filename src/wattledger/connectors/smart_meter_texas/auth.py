"""How Smart Meter Texas signs in: service ID and password against a JWT, at one path only.

`POST /v2/token/` is the only token resource used; its answer's fields come as numbers or as texts, and
`expiresAt` without a zone says nothing, so the life is `expiresIn` from the moment of asking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from httpx2 import AsyncClient

from wattledger.clock import Clock, SystemClock
from wattledger.connectors.base import Token
from wattledger.connectors.http import HttpAnswer, check, exchange
from wattledger.connectors.smart_meter_texas.api.answers import is_html, json_object, maintenance, wall
from wattledger.connectors.tokens import lifetime
from wattledger.errors import LoginRequired, Misconfigured, TryLater
from wattledger.transport import is_plain

TOKEN_PATH = "/v2/token/"  # noqa: S105 - a path
WHO = "Smart Meter Texas"
_HEADER_SAFE = re.compile(r"[A-Za-z0-9._~+/=-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The vendor's token answer as it came; `access` stays out of repr and logs."""

    status_code: Any
    token_type: Any
    expires_in: Any
    issued_at: Any
    expires_at: Any
    access: str = field(repr=False)


async def sign_in(http: AsyncClient, username: str, password: str) -> TokenAnswer:
    """A new JWT.

    Raises LoginRequired for a refused pair, Misconfigured for a refused host, an empty setting or plain http,
    TryLater when the vendor is down or answers what is no token.
    """
    for name, value in (("SMT_USERNAME", username), ("SMT_PASSWORD", password)):
        if not value:
            raise Misconfigured(f"{name} is not set; Smart Meter Texas needs it for a token.")
    if is_plain(str(http.base_url)):
        raise Misconfigured("SMT_API_BASE_URL must begin with https://; a password is not sent in the clear.")
    answer = await exchange(http, "POST", TOKEN_PATH, json={"username": username, "password": password})
    _refuse(answer)
    return _token(json_object(answer.body))


def _refuse(answer: HttpAnswer) -> None:
    if is_html(answer):
        raise wall(answer)
    if answer.status == 503 and answer.mime != "application/json":
        raise maintenance(answer)
    if answer.status == 400:
        raise Misconfigured(
            f"{WHO} says that the token request is incomplete; check SMT_USERNAME and SMT_PASSWORD."
        )
    if answer.status == 401:
        raise LoginRequired(f"{WHO} refused SMT_USERNAME with this SMT_PASSWORD.")
    if answer.status == 403:
        raise Misconfigured(f"{WHO} refused this host's address; only a whitelisted one may ask for a token.")
    check(answer, WHO)


def _token(said: Mapping[str, Any]) -> TokenAnswer:
    access = said.get("accessToken")
    if str(said.get("statusCode", 200)).strip() not in {"200", "0"}:
        raise TryLater(f"{WHO} answered the token request with another statusCode than 200.")
    if not isinstance(access, str) or not _HEADER_SAFE.fullmatch(access):
        raise TryLater(f"{WHO} answered the token request without a usable accessToken.")
    return TokenAnswer(
        said.get("statusCode"),
        said.get("tokenType"),
        said.get("expiresIn"),
        said.get("issuedAt"),
        said.get("expiresAt"),
        access,
    )


@dataclass(frozen=True, slots=True)
class SmtGrant:
    """The grant of the connector contract: secrets `username` and `password` -> Token."""

    clock: Clock = field(default_factory=SystemClock)

    async def token(self, secrets: Mapping[str, str], old: Token | None, http: AsyncClient) -> Token:
        """A fresh token; there is nothing to rotate, so the old one only counts generations."""
        asked = self.clock.now()
        said = await sign_in(http, secrets.get("username", ""), secrets.get("password", ""))
        generation = old.generation + 1 if old else 0
        return Token(said.access, asked + lifetime(said.expires_in), generation=generation)
