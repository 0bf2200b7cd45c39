"""OAuth of the simulated SmartThings: codes used once, refresh tokens used once, both tokens replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wattledger.clock import Clock, token

LIFE = 86399
REFRESH_LIFE = timedelta(days=30)


@dataclass
class Issuer:
    """Hands out tokens. With `grace` seconds a used refresh token gives the same pair again for so long."""

    clock: Clock
    client_id: str = "simulated-client"
    client_secret: str = "simulated-client-secret"
    redirect_uri: str = "http://127.0.0.1/oauth/smartthings/callback"
    expires_in: Any = LIFE
    grace: float = 0.0
    access: dict[str, datetime] = field(default_factory=dict)
    """access token -> until when"""
    refresh: dict[str, datetime] = field(default_factory=dict)
    used: dict[str, tuple[datetime, dict[str, Any]]] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)
    omit_refresh: bool = False
    """answer a refresh without a new refresh token; the old one stays good"""

    def pasted(self, hours: float = 24) -> str:
        """A token made by hand."""
        made = token(16) + "-" + token(8)
        self.access[made] = self.clock.now() + timedelta(hours=hours)
        return made

    def code(self) -> str:
        """A consent's code, good once."""
        made = token(8)
        self.codes.add(made)
        return made

    def accepts(self, bearer: str) -> bool:
        """Whether this access token still lives."""
        until = self.access.get(bearer)
        return until is not None and self.clock.now() < until

    def revoke(self) -> None:
        """Every token issued so far is refused from now on."""
        self.access.clear()
        self.refresh.clear()
        self.used.clear()

    def answer(self, form: Mapping[str, str], basic: str) -> tuple[int, dict[str, Any]]:
        """(status, body) of a token request; `basic` is the decoded `id:secret`."""
        if basic != f"{self.client_id}:{self.client_secret}":
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") == "authorization_code":
            return self._exchanged(form)
        if form.get("grant_type") == "refresh_token":
            return self._refreshed(form.get("refresh_token", ""))
        return 400, {"error": "unsupported_grant_type"}

    def _exchanged(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        if form.get("code") not in self.codes or form.get("redirect_uri") != self.redirect_uri:
            return 400, {"error": "invalid_grant", "error_description": "Invalid authorization code"}
        self.codes.discard(form["code"])
        return 200, self._pair()

    def _refreshed(self, old: str) -> tuple[int, dict[str, Any]]:
        now = self.clock.now()
        when, again = self.used.get(old, (None, {}))
        if when is not None and now - when <= timedelta(seconds=self.grace) and self.grace:
            return 200, again
        if now >= self.refresh.get(old, now):
            return 400, {"error": "invalid_grant", "error_description": f"Invalid refresh token: {old}"}
        pair = self._pair()
        if self.omit_refresh:
            del self.refresh[pair.pop("refresh_token")]
        else:
            del self.refresh[old]
            self.used[old] = (now, pair)
        return 200, pair

    def _pair(self) -> dict[str, Any]:
        access, refresh = f"access-{token(12)}", f"refresh-{token(12)}"
        life = float(self.expires_in) if isinstance(self.expires_in, int) and self.expires_in > 0 else LIFE
        self.access[access] = self.clock.now() + timedelta(seconds=life)
        self.refresh[refresh] = self.clock.now() + REFRESH_LIFE
        return {
            "access_token": access, "token_type": "bearer", "refresh_token": refresh,
            "expires_in": self.expires_in, "scope": "r:devices:* r:locations:*",
            "installed_app_id": "9f2d3c51-6d5b-4f0a-8c3a-2b1d7e6f5a40",
        }  # fmt: skip
