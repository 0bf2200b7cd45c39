"""Signing in to SmartThings in the owner's browser: no token to paste ever again.

GET /v1/connections/smartthings/connect    {"url": where the browser goes to consent}
GET /oauth/smartthings/callback            back from there; keeps the tokens and returns to the sources
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from wattledger.connectors.http import open_client
from wattledger.connectors.smartthings.auth import OAuth
from wattledger.errors import Misconfigured, Refused, TryLater, WattledgerError
from wattledger.store.patience import patient
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.dispatch import stored_token
from wattledger.store.sources.oauth_states import SignInBegun
from wattledger.web.answers import Json
from wattledger.web.auth import Manager, session_token
from wattledger.web.contracts.ac import pasted
from wattledger.web.guards import public
from wattledger.web.hub import Hub, hub
from wattledger.web.v1 import connection_shapes
from wattledger.web.v1.answered import answers

router = APIRouter(tags=["Air conditioners"])
CALLBACK = "/oauth/smartthings/callback"


@router.get("/v1/connections/smartthings/connect", responses=answers(connection_shapes.Consent))
async def connect(request: Request, person: Manager, connection: str | None = None) -> Json:
    """Begin a SmartThings sign-in: answers the address to open in the same browser."""
    return Json(
        {"url": await begin(request, person.user_id, person.site, person.via == "session", connection)}
    )


async def begin(request: Request, person: str, site: str, browser: bool, connection: str | None) -> str:
    """Where the browser goes to consent. Raises Refused, NotFound."""
    found = hub(request)
    app = app_of(found, request)
    row = await pasted.chosen(found.store, site, connection) if connection else None
    begun = SignInBegun(person, site, row.id if row else None)
    session = session_token(request) if browser else None
    return app.authorize_url(await found.store.connections.begin_sign_in(pasted.NAME, begun, session))


def app_of(found: Hub, request: Request) -> OAuth:
    """Our app at SmartThings. Raises Refused naming the variables."""
    said = found.settings
    if not said.smartthings_client_id or not said.smartthings_client_secret:
        raise Refused(
            "SMARTTHINGS_CLIENT_ID and SMARTTHINGS_CLIENT_SECRET are not set; paste a token instead.",
            "NOT_CONFIGURED",
            status=409,
        )
    return OAuth(
        said.smartthings_client_id,
        said.smartthings_client_secret.get_secret_value(),
        said.smartthings_redirect_uri or found.base_url(request) + CALLBACK,
        said.smartthings_base_url,
        clock=found.clock,
    )


@router.get(CALLBACK, dependencies=[Depends(public)])
async def callback(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """End a SmartThings sign-in: keep the tokens and go back to the sources."""
    found = hub(request)
    begun = await found.store.connections.end_sign_in(pasted.NAME, state, session_token(request))
    if begun is None:
        return _back(error="spent")
    if error or not code:
        return _back(error="denied")
    try:
        with patient():
            row = await _signed_in(found, app_of(found, request), begun, code)
    except Misconfigured:
        return _back(error="settings")
    except TryLater:
        return _back(error="later")
    except WattledgerError:
        return _back(error="failed")
    return _back(connected=row.id)


async def _signed_in(found: Hub, app: OAuth, begun: SignInBegun, code: str) -> ConnectionRow:
    async with open_client(app.base_url) as http:
        token = await app.exchange(code, http)
    secrets = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "redirect_uri": app.redirect_uri,
    }
    store, by = found.store, f"person {begun.person}"
    row = await _known(found, begun)
    if row is None:
        zone = (await store.sites.get(begun.site)).timezone
        row = await store.connections.create(
            begun.site, pasted.NAME, {"timezone": zone}, secrets, by, token=stored_token(token)
        )
    else:
        await store.connections.resume(row.id, begun.site, secrets, stored_token(token), by=by)
    return row


async def _known(found: Hub, begun: SignInBegun) -> ConnectionRow | None:
    """The connection that signs in again: the one that was named, else one whose OAuth sign-in ended."""
    for row in await pasted.connections(found.store, begun.site):
        if begun.connection == row.id:
            return row
        if begun.connection is None and row.state == "needs_login":
            secrets = await found.store.connections.secrets(row.id, begun.site)
            if secrets.get("client_id"):
                return row
    return None


def _back(**said: Any) -> Response:
    return RedirectResponse(f"/sources?{urlencode(said)}", 303)
