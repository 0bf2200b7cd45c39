"""Our application at Smartcar as the settings describe it, and the sign-ins that begin with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import Request
from pydantic import SecretStr

from wattledger.clock import token
from wattledger.config import Settings, variable
from wattledger.connectors.smartcar.auth import V2, V3
from wattledger.store.people.principal import Principal
from wattledger.store.sources.oauth_states import SignInBegun
from wattledger.web.answers import Denied
from wattledger.web.auth import bearer, session_token
from wattledger.web.contracts.ev.cars import NAME, mode_of, version_of
from wattledger.web.hub import Hub, hub

NEEDED = {
    "v2": ("smartcar_client_id", "smartcar_client_secret", "smartcar_redirect_uri"),
    "v3": (
        "smartcar_client_id",
        "smartcar_api_client_id",
        "smartcar_api_client_secret",
        "smartcar_redirect_uri",
    ),
}


@dataclass(frozen=True, slots=True)
class CarApp:
    """One application: `api` is its generation, `secrets` what it signs in with."""

    api: str
    mode: str
    client: V2 | V3
    secrets: Mapping[str, str] = field(repr=False)


def missing(settings: Settings) -> list[str]:
    """The variables without which no car can be connected."""
    return [variable(name) for name in NEEDED[version_of(settings)] if not getattr(settings, name)]


def app_of(found: Hub) -> CarApp:
    """The application of the settings. Raises Denied 500 that names the variables which are not set."""
    settings, api = found.settings, version_of(found.settings)
    if unset := missing(settings):
        message = f"Smartcar is not configured: set {_listed(unset)}."
        raise Denied(500, {"ok": False, "error": "NOT_CONFIGURED", "message": message, "variables": unset})
    mode = mode_of(settings)
    values = {name.removeprefix("smartcar_"): _plain(getattr(settings, name)) for name in NEEDED[api]}
    return CarApp(api, mode, _client(found, api, mode, values), values)


def _client(found: Hub, api: str, mode: str, values: Mapping[str, str]) -> V2 | V3:
    id, uri, base = values["client_id"], values["redirect_uri"], found.settings.smartcar_connect_url
    if api == "v2":
        return V2(id, values["client_secret"], uri, connect_url=base, mode=mode, clock=found.clock)
    pair = (values["api_client_id"], values["api_client_secret"])
    return V3(id, *pair, uri, connect_url=base, mode=mode, clock=found.clock)


async def begin(request: Request, person: Principal) -> str:
    """Where the browser goes to choose cars and consent.

    Raises Denied 500 without a configuration, TooMany, Misconfigured without a sealing key.
    """
    found = hub(request)
    app = app_of(found)
    found.connects.check(person.user_id)
    external_id = token(16)
    kept = {"api": app.api, "mode": app.mode, "external_id": external_id}
    begun = SignInBegun(person.user_id, person.site, None, kept)
    session = session_token(request) if bearer(request) is None else None
    state = await found.store.connections.begin_sign_in(NAME, begun, session)
    if isinstance(app.client, V3):
        return app.client.authorize_url(state, external_id)
    return app.client.authorize_url(state)


def _plain(value: str | SecretStr) -> str:
    return (value.get_secret_value() if isinstance(value, SecretStr) else value).strip()


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
