"""Signing in, the first set-up, and settings: the site, the look, API tokens."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from wattledger.store.people.people import Principal
from wattledger.web import asked, forms
from wattledger.web.auth import Manager, Owner, User, actor, current, session_token
from wattledger.web.guards import public
from wattledger.web.hub import hub
from wattledger.web.pages.render import PageRoute, html, page
from wattledger.web.parameters import public_id
from wattledger.web.signin import local_path

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Token = Annotated[str, Query(max_length=200)]
NEAR = (
    "America/Chicago",
    "America/Denver",
    "America/New_York",
    "America/Los_Angeles",
    "America/Phoenix",
)


@router.get("/signin", summary="The sign-in page", dependencies=[Depends(public)])
async def sign_in(
    request: Request, sent: bool = False, wanted: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """A field for the mail address; the answer is the same for every address."""
    if await current(request) is not None:
        return RedirectResponse(local_path(wanted), 303)
    found = hub(request)
    ways = {"mailed": found.post.ready, "local": found.on_loopback(request)}
    return html("signin.html", sent=sent, fresh=await found.store.people.setup_needed(), **ways)


@router.get("/auth/link", summary="A sign-in link's button", dependencies=[Depends(public)])
async def link(
    request: Request, token: Token = "", wanted: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """A button: following a link by itself uses nothing up, since mail scanners follow links."""
    here = await asked.asked_here(request, token)
    return html("link.html", token=token, next=local_path(wanted), here=here)


@router.get("/setup", summary="The first set-up", dependencies=[Depends(public)])
async def set_up(request: Request, token: Token = "") -> Response:
    """Who owns this hub, the site's name and its zone."""
    open_ = await hub(request).store.people.setup_needed()
    return html("setup.html", 200 if open_ else 410, token=token, open=open_, zones=zones())


def zones() -> list[str]:
    """IANA zones, those nearest to Texas first."""
    rest = sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "SystemV/")))
    return [*NEAR, *(z for z in rest if z not in NEAR)]


@router.get("/settings", summary="Settings of the site and of the person")
async def settings(request: Request, person: User) -> Response:
    """The site, the look, API tokens."""
    return await show_settings(request, person)


async def show_settings(
    request: Request,
    person: Principal,
    fresh: str | None = None,
    saved: bool = False,
    wrong: str | None = None,
) -> Response:
    store = hub(request).store
    made = await store.people.api_tokens(person.user_id, person.site)
    tokens = [t for t in made if t.revoked_at is None]
    points = await store.points.list(person.site)
    signed_in = await store.people.sessions(person.user_id, hub(request).clock.now(), session_token(request))
    values = {
        "sessions": signed_in,
        "points": points,
        "tokens": tokens,
        "fresh": fresh,
        "saved": saved,
        "wrong": wrong,
        "zones": zones(),
    }
    return await page(request, "settings.html", person, "settings", **values)


@router.post("/settings/site", summary="Rename the site or move it to another zone")
async def save_site(request: Request, person: Owner) -> Response:
    """Save the site's name and zone."""
    values = await forms.fields(request)
    name, timezone = forms.wanted(values, "name"), forms.wanted(values, "timezone")
    await hub(request).store.sites.update(person.site, name=name, timezone=timezone, by=actor(person))
    return await show_settings(request, person, saved=True)


@router.post("/settings/meters/{id}", summary="Rename a meter")
async def rename_meter(request: Request, person: Manager, id: str) -> Response:
    """Give a meter another name."""
    name = forms.wanted(await forms.fields(request), "name")
    await hub(request).store.points.rename(public_id(id, "meter"), name, person.site, actor(person))
    return await show_settings(request, person, saved=True)


@router.post("/settings/tokens", summary="Make an API token and show it once")
async def make_token(request: Request, person: User) -> Response:
    """A new API token, shown on this answer only."""
    name = forms.wanted(await forms.fields(request), "name")
    fresh = await hub(request).store.people.api_token(person.email, name, person.site)
    return await show_settings(request, person, fresh)


@router.post("/settings/tokens/{id}/revoke", summary="End an API token")
async def end_token(request: Request, person: User, id: str) -> Response:
    """Revoke one of the person's own tokens."""
    found = hub(request)
    await found.store.people.revoke_api_token(id, person.user_id, found.clock.now(), person.site)
    return RedirectResponse("/settings", 303)
