"""Token endpoints of the simulated Smartcar: v2's strictly rotating pairs, v3's application token."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wattledger.clock import Clock, token

CODE_LIFE = timedelta(minutes=10)
REFRESH_LIFE = timedelta(days=60)
ACCESS_SECONDS = 7200
APP_SECONDS = 3600

Answer = tuple[int, dict[str, Any]]


@dataclass
class _Refresh:
    family: str
    until: datetime
    used: datetime | None = None


@dataclass(frozen=True)
class _Code:
    user: str
    redirect_uri: str
    until: datetime


@dataclass
class Issuer:
    """v2: a refresh token is good once, and again for `grace` seconds; later it ends its family."""

    clock: Clock
    client_id: str = "8d2e53c4-6b1f-4a77-9c02-f05e1b7ad934"
    client_secret: str = "simulated-smartcar-secret"
    grace: float = 60.0
    expires_in: Any = ACCESS_SECONDS
    omit_refresh: bool = False
    """answer a refresh without a new refresh token; the old one stays good"""
    codes: dict[str, _Code] = field(default_factory=dict)
    access: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """access token -> family and end"""
    refresh: dict[str, _Refresh] = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)
    """living families -> the vendor's user"""

    def code(self, user: str, redirect_uri: str) -> str:
        """A consent's code: good once, for ten minutes."""
        made = token(16)
        self.codes[made] = _Code(user, redirect_uri, self.clock.now() + CODE_LIFE)
        return made

    def pair(self, user: str) -> dict[str, Any]:
        """Tokens of a new grant, as an exchange answers them."""
        family = token(8)
        self.families[family] = user
        return self._pair(family)

    def user(self, bearer: str) -> str | None:
        """Whose living access token this is."""
        family, until = self.access.get(bearer, ("", self.clock.now()))
        return self.families.get(family) if self.clock.now() < until else None

    def expire(self) -> None:
        """Every access token has run out; refresh tokens live on."""
        self.access.clear()

    def revoke(self, user: str | None = None) -> None:
        """All grants of a user, or of everybody, are dead."""
        self.families = {f: u for f, u in self.families.items() if user is not None and u != user}

    def answer(self, form: Mapping[str, str], basic: str) -> Answer:
        """(status, body) of a token request; `basic` is the decoded `id:secret`."""
        if not hmac.compare_digest(basic.encode(), f"{self.client_id}:{self.client_secret}".encode()):
            return 401, {"error": "invalid_client", "error_description": "Unauthorized client."}
        if form.get("grant_type") == "authorization_code":
            return self._exchanged(form.get("code", ""), form.get("redirect_uri", ""))
        if form.get("grant_type") == "refresh_token":
            return self._refreshed(form.get("refresh_token", ""))
        return 400, {"error": "unsupported_grant_type", "error_description": "Unknown grant_type."}

    def _exchanged(self, code: str, redirect_uri: str) -> Answer:
        found = self.codes.pop(code, None)
        if found is None or self.clock.now() >= found.until or found.redirect_uri != redirect_uri:
            return 400, {"error": "invalid_request", "error_description": f"Invalid code: {code}."}
        return 200, self.pair(found.user)

    def _refreshed(self, old: str) -> Answer:
        now, found = self.clock.now(), self.refresh.get(old)
        if found is None or found.family not in self.families or now >= found.until:
            return _dead(old)
        if found.used and now - found.used > timedelta(seconds=self.grace):
            del self.families[found.family]
            return _dead(old)
        pair = self._pair(found.family)
        if self.omit_refresh:
            del self.refresh[pair.pop("refresh_token")]
        else:
            found.used = found.used or now
        return 200, pair

    def _pair(self, family: str) -> dict[str, Any]:
        now, access, refresh = self.clock.now(), token(24), token(24)
        given = self.expires_in
        life = given if isinstance(given, int) and given > 0 else ACCESS_SECONDS
        self.access[access] = (family, now + timedelta(seconds=life))
        self.refresh[refresh] = _Refresh(family, now + REFRESH_LIFE)
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": given,
            "refresh_token": refresh,
        }


def _dead(old: str) -> Answer:
    return 400, {"error": "invalid_grant", "error_description": f"Invalid refresh_token: {old}."}


@dataclass
class AppTokens:
    """v3: one token for the whole application, by its API credentials."""

    clock: Clock
    client_id: str = "client_simulated"
    client_secret: str = "simulated-api-secret"
    life: float = APP_SECONDS
    living: dict[str, datetime] = field(default_factory=dict)

    def answer(self, given: Mapping[str, str]) -> Answer:
        """(status, body) of a token request, from its form or its JSON."""
        if given.get("grant_type") != "client_credentials":
            return 400, {"error": "invalid_request", "error_description": "grant_type is missing or wrong."}
        known = f"{self.client_id}:{self.client_secret}".encode()
        named = f"{given.get('client_id')}:{given.get('client_secret')}".encode()
        if not hmac.compare_digest(known, named):
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed."}
        made = f"eyJ.{token(24)}.{token(8)}"
        self.living[made] = self.clock.now() + timedelta(seconds=self.life)
        return 200, {"access_token": made, "token_type": "Bearer", "expires_in": int(self.life)}

    def accepts(self, bearer: str) -> bool:
        """Whether it was issued here and still lives."""
        until = self.living.get(bearer)
        return until is not None and self.clock.now() < until

    def expire(self) -> None:
        """Every token issued so far is refused from now on."""
        self.living.clear()
