"""Connecting a car in its owner's browser.

GET /v1/ev/connect             {"url": where the browser goes to choose cars and consent}
GET /oauth/smartcar/callback   back from there, with nothing but words that anybody can put into an address

The state is looked at first: it is ours, good once, for ten minutes, and for the browser that began. Where to
the browser goes on is never taken from input.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from wattledger.errors import NotFound, WattledgerError
from wattledger.store.patience import patient
from wattledger.store.people.principal import Principal
from wattledger.store.sources.oauth_states import SignInBegun
from wattledger.store.sources.vehicles import VehicleRow
from wattledger.web.answers import Denied, Json
from wattledger.web.auth import Manager, session_token
from wattledger.web.contracts.ev import shapes, subscribe
from wattledger.web.contracts.ev.app import app_of, begin
from wattledger.web.contracts.ev.cars import NAME
from wattledger.web.contracts.ev.failures import OTHERWISE, Failed, failed_by, said_by_vendor
from wattledger.web.contracts.ev.grant import Grant, by_code, by_user
from wattledger.web.contracts.ev.keep import keep
from wattledger.web.guards import public
from wattledger.web.hub import Hub, hub
from wattledger.web.v1.answered import answers, problem

router = APIRouter(tags=["Cars"])
log = structlog.get_logger("wattledger.web")
CALLBACK = "/oauth/smartcar/callback"
LONGEST = 2000
UNSET: dict[int | str, dict[str, Any]] = {500: problem("A variable is not set; the message names it.")}


@router.get("/v1/ev/connect", responses=answers(shapes.Url) | UNSET)
async def connect(request: Request, person: Manager) -> Json:
    """Begin to connect a car: answers the address to open, good for ten minutes."""
    return Json({"url": await begin(request, person)})


@router.get(CALLBACK, dependencies=[Depends(public)])
async def callback(request: Request) -> Response:
    """End connecting a car: keep what was granted, and go on to a page that says how it went."""
    found = hub(request)
    if request.scope.get("asked_as") == "HEAD":  # a look at an address is no consent, and uses nothing up
        return _to(request, "/vehicle/connect", error=OTHERWISE)
    try:
        car = await _connected(request, found)
    except Failed as failed:
        return _to(request, "/vehicle/connect", error=failed.code)
    except WattledgerError as error:
        return _to(request, "/vehicle/connect", error=failed_by(error).code)
    except Denied:
        return _to(request, "/vehicle/connect", error="configuration_error")
    except Exception:
        log.exception("incident", request=request.scope["state"]["request_id"], path=CALLBACK)
        return _to(request, "/vehicle/connect", error=OTHERWISE)
    return _to(request, "/vehicle/connected", provider=NAME, vehicle_id=car.id)


async def _connected(request: Request, found: Hub) -> VehicleRow:
    """The primary car. Raises Failed, and our errors."""
    said = _said(request)
    begun = await _begun(request, found, said)
    if error := said.get("error"):
        raise said_by_vendor(error)
    person = await _still_allowed(found, begun)
    with patient():
        grant = await _granted(found, begun, said)
        car = await keep(found.store, begun, grant, f"person {person}")
    ours = {row.external_id for row in await found.store.vehicles.list(begun.site, active_only=True)}
    await subscribe.subscribe(found, grant, ours.intersection(grant.external_ids))
    return car


def _said(request: Request) -> dict[str, str]:
    """The query, each word once. Raises Failed."""
    pairs = request.query_params.multi_items()
    said = dict(pairs)
    if len(said) != len(pairs) or any(len(value) > LONGEST for value in said.values()):
        raise Failed("state_invalid")
    return said


async def _begun(request: Request, found: Hub, said: dict[str, str]) -> SignInBegun:
    """What the state was made for, used up. The vendor leaves it out of some of its errors. Raises Failed."""
    state, links = said.get("state", ""), found.store.connections
    if not state:
        raise said_by_vendor(said["error"]) if said.get("error") else Failed("state_invalid")
    begun = await links.end_sign_in(NAME, state, session_token(request))
    if begun is None:
        raise Failed("state_expired" if links.sign_in_expired(NAME, state) else "state_invalid")
    return begun


async def _still_allowed(found: Hub, begun: SignInBegun) -> str:
    """The person, who may have lost the right since they began. Raises Failed."""
    try:
        member = await found.store.people.member(begun.person, begun.site)
    except NotFound:
        raise Failed("not_allowed") from None
    if not Principal(member.id, member.email, begun.site, member.role, "session").manages:
        raise Failed("not_allowed")
    return member.id


async def _granted(found: Hub, begun: SignInBegun, said: dict[str, str]) -> Grant:
    """What the vendor says was granted. Raises Failed, and our errors."""
    app = app_of(found)
    if app.api != begun.kept["api"] or app.mode != begun.kept["mode"]:
        raise Failed("state_invalid")
    zone = (await found.store.sites.get(begun.site)).timezone
    if app.api == "v2":
        if not said.get("code"):
            raise Failed("connection_failed")
        return await by_code(found, app, said["code"], zone)
    users = {said[name] for name in ("user_id", "userId") if said.get(name)}
    if len(users) != 1:
        raise Failed("connection_failed")
    return await by_user(found, app, users.pop(), begun.kept["external_id"], zone)


def _to(request: Request, path: str, **said: str) -> Response:
    """To the front end that the settings name, else to our own pages."""
    base = (hub(request).settings.frontend_url or hub(request).base_url(request)).rstrip("/")
    return RedirectResponse(f"{base}{path}?{urlencode(said)}", 302)
