"""/v1/sites: the places that a person belongs to; the operator makes more of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from wattledger.store.people.email import normal_email
from wattledger.store.people.principal import Principal
from wattledger.store.people.sites import DEFAULT_ZONE, SiteRow
from wattledger.web.answers import Json
from wattledger.web.auth import Operator, User, actor
from wattledger.web.hub import hub
from wattledger.web.jsonbody import Body, Text, described, json_body
from wattledger.web.people import can_invite, invite
from wattledger.web.v1 import people_shapes as shapes
from wattledger.web.v1.answered import answers

router = APIRouter(prefix="/v1/sites", tags=["Sites"])


class NewSite(Body):
    """A new site; `owner` is invited by mail, without one whoever makes it owns it."""

    name: Text
    timezone: Text = DEFAULT_ZONE
    owner: Text | None = None


@router.get("", responses=answers(shapes.Sites))
async def sites(request: Request, person: User) -> Json:
    """List my sites and my role there; a session is at one of them, an API token is bound to one."""
    rows = await hub(request).store.sites.of(person.user_id)
    return Json({"sites": [site_json(site, role, person) for site, role in rows]})


@router.get("/all", responses=answers(shapes.Sites))
async def everywhere(request: Request, person: Operator) -> Json:
    """List every site of this installation, with my role where I have one."""
    sites = hub(request).store.sites
    mine = {site.id: role for site, role in await sites.of(person.user_id)}
    return Json({"sites": [site_json(site, mine.get(site.id), person) for site in await sites.list()]})


@router.post("", status_code=201, responses=answers(shapes.Site, 201), openapi_extra=described(NewSite))
async def make(
    request: Request, person: Operator, new: Annotated[NewSite, Depends(json_body(NewSite))]
) -> Json:
    """Make a site and invite its owner."""
    site = await make_site(request, person, new.name, new.timezone, new.owner)
    mine = any(site.id == row.id for row, _ in await hub(request).store.sites.of(person.user_id))
    return Json(site_json(site, "owner" if mine else None, person), 201)


async def make_site(
    request: Request, person: Principal, name: str, timezone: str, owner: str | None
) -> SiteRow:
    """A new site of a person who is invited, else of the one who makes it. Raises Refused."""
    other = normal_email(owner) if owner else None
    mine = other is None or other == person.email
    if not mine:
        can_invite(request)
    site = await hub(request).store.sites.add(name, timezone, person.user_id if mine else None, actor(person))
    if other is not None and not mine:
        await invite(request, person, other, "owner", site.id)
    return site


def site_json(site: SiteRow, role: str | None, person: Principal) -> dict[str, Any]:
    """A site as JSON."""
    here = site.id == person.site
    return {"id": site.id, "name": site.name, "timezone": site.timezone, "role": role, "here": here}
