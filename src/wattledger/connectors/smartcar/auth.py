"""How Smartcar is signed in to. v2: a token pair of each Connect grant. v3: one token of the application.

A v2 refresh answers a new pair and the old refresh token dies within a minute, so the pair is saved before
it is used (the collector does that). A code of the callback is posted once: it may have counted although
its answer was lost. The vendor's error_description repeats the code or the refresh token: it is never read.
A v3 token opens every car of the application; which account is meant says `sc-user-id`.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from httpx2 import AsyncClient

from wattledger.clock import Clock, SystemClock
from wattledger.connectors.base import LEAST_LEFT, Token
from wattledger.connectors.http import HttpAnswer, check, exchange, open_client, wish
from wattledger.connectors.reading import rows
from wattledger.connectors.smartcar.errors import WHO
from wattledger.connectors.smartcar.reading import identifier, load, text
from wattledger.connectors.tokens import TokenHolder, lifetime
from wattledger.errors import BadPayload, LoginRequired, Misconfigured, Refused, TryLater, WattledgerError
from wattledger.faults import sabotaged

SCOPES = ("read_vehicle_info", "read_vin", "read_battery", "read_charge", "read_location", "read_odometer")
CONNECT_URL = "https://connect.smartcar.com"
MODES: Mapping[str, str] = {"live": "live", "simulated": "simulated", "sandbox": "simulated"}
ACCESS_LIFE = 7200
"""seconds of an access token whose answer names none"""
REFRESH_LIFE = timedelta(days=60)
ENDED = frozenset({400, 403, 404})
"""answers to an end of access that say that there is none any more"""
_HEADER_SAFE = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)
_OUR_FAULT = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type"})


@dataclass(frozen=True, slots=True)
class V2:
    """An application of the second generation; an OAuthGrant."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str = ""
    connect_url: str = CONNECT_URL
    mode: str = "live"
    scopes: tuple[str, ...] = SCOPES
    clock: Clock = field(default_factory=SystemClock)

    def authorize_url(self, state: str) -> str:
        """Where the owner's browser goes to choose cars and consent."""
        return _connect_url(
            self.connect_url,
            response_type="code",
            client_id=self.client_id,
            redirect_uri=self.redirect_uri,
            scope=" ".join(self.scopes),
            state=state,
            mode=MODES[self.mode],
            approval_prompt="auto",
        )

    async def exchange(self, code: str, http: AsyncClient) -> Token:
        """The tokens for a code of the callback; posted once, whatever comes of it.

        Raises LoginRequired for a used or invented code, TryLater for an unclear answer (the owner begins
        anew), Misconfigured.
        """
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        if sabotaged("one_exchange"):
            try:
                return await self._ask(form, None, http)
            except TryLater:
                return await self._ask(form, None, http)
        return await self._ask(form, None, http)

    async def token(self, secrets: Mapping[str, str], old: Token | None, http: AsyncClient) -> Token:
        """A new pair for the old refresh token.

        Raises LoginRequired without one, for a dead one and after its 60 days; TryLater, Misconfigured.
        """
        if old is None or not old.refresh:
            raise LoginRequired(f"{WHO} is not connected; the owner has to connect the car there.")
        until = old.extra.get("refresh_until")
        if until and datetime.fromisoformat(until) <= self.clock.now():
            raise LoginRequired(f"The {WHO} sign-in was not used for 60 days and has ended; connect again.")
        return await self._ask({"grant_type": "refresh_token", "refresh_token": old.refresh}, old, http)

    async def revoke(self, token: Token, http: AsyncClient, vehicles: Iterable[str] | None = None) -> None:
        """End our access to these cars, by default to all of the grant. `http`: the vehicles' host.

        Raises LoginRequired, TryLater, Refused; a car that is gone already is fine.
        """
        headers = {"Authorization": f"Bearer {token.access}"}
        failed: WattledgerError | None = None
        for vehicle in await self._listed(headers, http) if vehicles is None else vehicles:
            path = f"/v2.0/vehicles/{quote(vehicle, safe='')}/application"
            try:
                answer = await exchange(http, "DELETE", path, headers=headers)
                if answer.status not in ENDED:
                    check(answer, WHO, self.clock.now())
            except WattledgerError as error:
                failed = failed if isinstance(failed, TryLater) else error
        if failed:
            raise failed

    async def _listed(self, headers: Mapping[str, str], http: AsyncClient) -> list[str]:
        answer = await exchange(http, "GET", "/v2.0/vehicles?limit=50", headers=headers)
        if answer.status in {401, 403}:
            return []
        check(answer, WHO, self.clock.now())
        return [id for item in rows(_said(answer).get("vehicles")) if (id := identifier(item))]

    async def _ask(self, form: Mapping[str, str], old: Token | None, http: AsyncClient) -> Token:
        asked = self.clock.now()
        pair = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        answer = await exchange(http, "POST", "/oauth/token", form=form, headers=headers)
        _refuse(answer, asked, "SMARTCAR_CLIENT_ID and SMARTCAR_CLIENT_SECRET")
        return _pair(_said(answer), old, asked)


@dataclass(frozen=True, slots=True)
class V3:
    """An application of the third generation. `application_id` is for the browser, the API's pair for us."""

    application_id: str
    api_client_id: str = ""
    api_client_secret: str = field(default="", repr=False)
    redirect_uri: str = ""
    connect_url: str = CONNECT_URL
    mode: str = "live"
    clock: Clock = field(default_factory=SystemClock)

    def authorize_url(self, state: str, external_id: str) -> str:
        """Where the owner's browser goes. `external_id`: ours, random, for this one sign-in.

        No scope is sent: what the application's dashboard grants is asked for.
        """
        return _connect_url(
            self.connect_url,
            response_type="code",
            application_id=self.application_id,
            redirect_uri=self.redirect_uri,
            state=state,
            mode=MODES[self.mode],
            external_id=external_id,
        )

    async def token(self, http: AsyncClient) -> Token:
        """A new token of the application. `http`: the sign-in's host. Raises Misconfigured, TryLater."""
        asked = self.clock.now()
        form = {
            "grant_type": "client_credentials",
            "client_id": self.api_client_id,
            "client_secret": self.api_client_secret,
        }
        answer = await exchange(http, "POST", "/oauth2/token", form=form)
        if answer.status in {400, 403}:
            raise _misconfigured("SMARTCAR_API_CLIENT_ID and SMARTCAR_API_CLIENT_SECRET")
        _refuse(answer, asked, "SMARTCAR_API_CLIENT_ID and SMARTCAR_API_CLIENT_SECRET")
        said = _said(answer)
        return Token(_access(said), asked + lifetime(said.get("expires_in", 3600)), extra={"api": "v3"})


@dataclass(frozen=True, slots=True)
class Grants:
    """The grant of the connector: of whichever generation a connection is.

    A connection's secrets say which with `api`; without it a refresh token is the mark of v2.
    """

    clock: Clock = field(default_factory=SystemClock)
    holders: dict[tuple[str, str, str], TokenHolder] = field(default_factory=dict, repr=False)
    """the token of each application, for the whole process"""

    async def token(self, secrets: Mapping[str, str], old: Token | None, http: AsyncClient) -> Token:
        """A fresh token. Raises LoginRequired (v2), TryLater, Misconfigured."""
        if _generation(secrets, old) == "v3":
            return await self._of_application(secrets, old, http)
        app = V2(_needed(secrets, "client_id"), _needed(secrets, "client_secret"), clock=self.clock)
        return await app.token(secrets, old, http)

    def holder(self, secrets: Mapping[str, str], base_url: str) -> TokenHolder:
        """What keeps the application's token in this process. Raises Misconfigured."""
        id, secret = _needed(secrets, "api_client_id"), _needed(secrets, "api_client_secret")
        key = (base_url.rstrip("/"), id, secret)
        if key not in self.holders:
            app = V3("", id, secret, clock=self.clock)

            async def ask() -> Token:
                async with open_client(base_url) as own:  # outlives the client of whoever came first
                    return await app.token(own)

            self.holders[key] = TokenHolder(ask, self.clock)
        return self.holders[key]

    async def _of_application(
        self, secrets: Mapping[str, str], old: Token | None, http: AsyncClient
    ) -> Token:
        """The application's token; another one than `old` where that had life left and so was refused."""
        holder, now = self.holder(secrets, str(http.base_url)), self.clock.now()
        token = await holder.get()
        if token.expires_at - now <= LEAST_LEFT:  # the machine slept: its pauses do not count that time
            token = await holder.renew(token)
        refused = old if old is not None and old.expires_at - now > LEAST_LEFT else None
        if refused is None:
            return token
        if hmac.compare_digest(token.access.encode(), refused.access.encode()):
            token = await holder.renew(token)
        return replace(token, extra={**token.extra, "renewed_at": now.isoformat()})


def _generation(secrets: Mapping[str, str], old: Token | None) -> str:
    if "api" in secrets:
        return secrets["api"]
    return "v2" if (old and old.refresh) or not secrets.get("api_client_id") else "v3"


def _needed(secrets: Mapping[str, str], name: str) -> str:
    if not secrets.get(name):
        raise Misconfigured(f"SMARTCAR_{name.upper()} is not set; {WHO} can't be signed in to without it.")
    return secrets[name]


def _connect_url(base: str, **query: str) -> str:
    return f"{base.rstrip('/')}/oauth/authorize?{urlencode(query)}"


def _misconfigured(names: str) -> Misconfigured:
    return Misconfigured(f"{WHO} refused our application; check {names}.")


def _refuse(answer: HttpAnswer, now: datetime, names: str) -> None:
    """Raises what a refused token request means, in our words alone."""
    if answer.status == 429:
        raise TryLater(f"{WHO} asks for a pause before the next sign-in (429).", wish(answer, now))
    word = _word(answer)
    if word in _OUR_FAULT or (answer.status == 401 and word != "invalid_grant"):
        raise _misconfigured(names)
    if answer.status in {400, 401, 403} and word:
        raise LoginRequired(f"{WHO} ended this sign-in; the owner has to connect the car again.")
    if 400 <= answer.status < 500 and answer.status not in {408, 425}:
        raise TryLater(f"{WHO} answered the sign-in with {answer.status} and no reason; it is tried again.")
    try:
        check(answer, WHO, now)
    except Refused as error:
        raise TryLater(f"{error} The sign-in is tried again.") from None


def _word(answer: HttpAnswer) -> str:
    try:
        return text(load(answer.body).get("error"))
    except BadPayload:
        return ""


def _said(answer: HttpAnswer) -> dict[str, Any]:
    try:
        return load(answer.body)
    except BadPayload as error:
        raise TryLater(f"{error} It is asked again later.") from None


def _access(said: Mapping[str, Any]) -> str:
    access = said.get("access_token")
    if not isinstance(access, str) or not _HEADER_SAFE.fullmatch(access):
        raise TryLater(f"{WHO} answered the sign-in without a usable access token.")
    return access


def _pair(said: Mapping[str, Any], old: Token | None, asked: datetime) -> Token:
    """The pair of an answer; where no new refresh token came, the old one stays, and so does its end."""
    access, refresh = _access(said), said.get("refresh_token")
    extra = {**(old.extra if old else {}), "api": "v2"}
    if isinstance(refresh, str) and refresh:
        extra["refresh_until"] = (asked + REFRESH_LIFE).isoformat()
    else:
        refresh = old.refresh if old else None
    life = lifetime(said.get("expires_in", ACCESS_LIFE))
    return Token(access, asked + life, refresh, old.generation + 1 if old else 0, extra)
