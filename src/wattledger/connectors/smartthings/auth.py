"""How SmartThings is signed in to: a token pasted every 24 hours, or OAuth with single-use refresh tokens.

A connection's secrets say which: `token` with `set_at` (ISO), or `client_id`, `client_secret` and
`redirect_uri` of an OAuth-In app. A refresh answers a new pair: the old refresh token is used up, so the
pair is saved before it is used (the collector does that), and a refused one is not tried again.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from httpx2 import AsyncClient

from wattledger.clock import Clock, SystemClock
from wattledger.connectors.base import Token
from wattledger.connectors.http import HttpAnswer, check, exchange
from wattledger.connectors.smartthings.answers import WHO, pause
from wattledger.connectors.smartthings.reading import load, text
from wattledger.connectors.tokens import lifetime
from wattledger.errors import BadPayload, LoginRequired, Misconfigured, TryLater

LIFE = timedelta(hours=24)
"""of a pasted token, from the time it was set"""
NEARLY_OVER = timedelta(minutes=5)
AUTHORIZE_PATH = "/v1/oauth/authorize"
TOKEN_PATHS = ("/v1/oauth/token", "/oauth/token")
SCOPES = ("r:devices:*", "r:locations:*")
KEPT = ("installed_app_id", "scope")
_HEADER_SAFE = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)
_MISCONFIGURED = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type"})


def sendable(token: str) -> bool:
    """Whether a token can stand in a header at all."""
    return _HEADER_SAFE.fullmatch(token) is not None


def ends_at(secrets: Mapping[str, str]) -> datetime | None:
    """When a pasted token ends, None for one that was never dated."""
    set_at = secrets.get("set_at")
    return datetime.fromisoformat(set_at) + LIFE if set_at else None


@dataclass(frozen=True, slots=True)
class Pasted:
    """The token a person made by hand. Nothing is asked of the vendor for it."""

    clock: Clock = field(default_factory=SystemClock)

    async def token(self, secrets: Mapping[str, str], old: Token | None, http: AsyncClient) -> Token:
        """The pasted token until its 24 hours are over. Raises LoginRequired then, and when it is refused."""
        access, now = secrets["token"], self.clock.now()
        if not _HEADER_SAFE.fullmatch(access):
            raise LoginRequired(f"The {WHO} token has characters that no token has; paste it again.")
        ends = ends_at(secrets) or now + LIFE
        if now >= ends:
            raise LoginRequired(f"The {WHO} token has ended after 24 hours; paste a new one.")
        if old is not None and _same(old.access, access) and ends - now > NEARLY_OVER:
            raise LoginRequired(f"{WHO} no longer accepts the pasted token; paste a new one.")
        return Token(access, ends)


@dataclass(frozen=True, slots=True)
class OAuth:
    """An OAuth-In app of SmartThings; an OAuthGrant."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str = ""
    base_url: str = "https://api.smartthings.com"
    scopes: tuple[str, ...] = SCOPES
    clock: Clock = field(default_factory=SystemClock)

    def authorize_url(self, state: str) -> str:
        """Where the owner's browser goes to consent."""
        query = {
            "client_id": self.client_id,
            "scope": " ".join(self.scopes),
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "state": state,
        }
        return f"{self.base_url.rstrip('/')}{AUTHORIZE_PATH}?{urlencode(query)}"

    async def exchange(self, code: str, http: AsyncClient) -> Token:
        """The tokens for a code of the callback. Raises LoginRequired for a used or invented one."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        return await self._ask(form, None, http)

    async def token(self, secrets: Mapping[str, str], old: Token | None, http: AsyncClient) -> Token:
        """A new pair for the old refresh token.

        Raises LoginRequired without one and for one that was refused, TryLater when the vendor is down.
        """
        if old is None or not old.refresh:
            raise LoginRequired(f"{WHO} is not connected; the owner has to sign in there.")
        return await self._ask({"grant_type": "refresh_token", "refresh_token": old.refresh}, old, http)

    async def revoke(self, token: Token, http: AsyncClient) -> None:
        """Take our installation out of the owner's account. Raises TryLater; gone already is fine."""
        if app := token.extra.get("installed_app_id"):
            headers = {"Authorization": f"Bearer {token.access}"}
            answer = await exchange(http, "DELETE", f"/v1/installedapps/{app}", headers=headers)
            if answer.status not in {401, 403, 404}:
                check(answer, WHO, self.clock.now())

    async def _ask(self, form: Mapping[str, str], old: Token | None, http: AsyncClient) -> Token:
        asked = self.clock.now()
        pair = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        for path in TOKEN_PATHS:
            answer = await exchange(
                http, "POST", path, form={**form, "client_id": self.client_id}, headers=headers
            )
            if answer.status != 404:
                break
        _refuse(answer, asked)
        return _token(_said(answer), old, asked)


@dataclass(frozen=True, slots=True)
class Grants:
    """The grant of the connector: whichever a connection's secrets are for."""

    clock: Clock = field(default_factory=SystemClock)

    async def token(self, secrets: Mapping[str, str], old: Token | None, http: AsyncClient) -> Token:
        """A fresh token. Raises LoginRequired, TryLater, Misconfigured."""
        if "token" in secrets:
            return await Pasted(self.clock).token(secrets, old, http)
        if not secrets.get("client_id"):
            raise LoginRequired(f"This {WHO} connection has neither a token nor an OAuth sign-in.")
        app = OAuth(
            secrets["client_id"],
            secrets.get("client_secret", ""),
            secrets.get("redirect_uri", ""),
            clock=self.clock,
        )
        return await app.token(secrets, old, http)

    def suits(self, secrets: Mapping[str, str], token: Token) -> bool:
        """A pasted token is the one in the secrets; an OAuth token can be refreshed."""
        return _same(token.access, secrets["token"]) if "token" in secrets else token.refresh is not None


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _refuse(answer: HttpAnswer, now: datetime) -> None:
    """Raises what a refused token request means; the vendor's description may repeat the refresh token."""
    if answer.status == 429:
        raise TryLater(f"{WHO} asks for a pause before the next sign-in (429).", pause(answer, now))
    word = _word(answer)
    if word in _MISCONFIGURED or answer.status == 401:
        raise Misconfigured(
            f"{WHO} refused our app; check SMARTTHINGS_CLIENT_ID and SMARTTHINGS_CLIENT_SECRET."
        )
    if answer.status in {400, 403}:
        raise LoginRequired(f"{WHO} ended this sign-in; the owner has to sign in there again.")
    check(answer, WHO, now)


def _word(answer: HttpAnswer) -> str:
    try:
        return text(load(answer.body).get("error"))
    except BadPayload:
        return ""


def _said(answer: HttpAnswer) -> dict[str, Any]:
    try:
        return load(answer.body)
    except BadPayload as error:
        raise TryLater(f"{error} The sign-in is tried again.") from None


def _token(said: Mapping[str, Any], old: Token | None, asked: datetime) -> Token:
    """The pair of an answer; where no new refresh token came, the old one stays good."""
    access, refresh = said.get("access_token"), said.get("refresh_token")
    if not isinstance(access, str) or not _HEADER_SAFE.fullmatch(access):
        raise TryLater(f"{WHO} answered the sign-in without a usable access token.")
    if not isinstance(refresh, str) or not refresh:
        refresh = old.refresh if old else None
    extra = {**(old.extra if old else {}), **{key: text(said[key]) for key in KEPT if text(said.get(key))}}
    generation = old.generation + 1 if old else 0
    return Token(access, asked + lifetime(said.get("expires_in")), refresh, generation, extra)
