"""What concerns the whole installation: its sites, and whose a meter is. For its operator."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from wattledger.errors import WattledgerError
from wattledger.store.people.principal import Principal
from wattledger.web import forms
from wattledger.web.auth import Operator, actor
from wattledger.web.contracts.smt.fields import esiid
from wattledger.web.contracts.smt.meters import assign_meter
from wattledger.web.hub import hub
from wattledger.web.pages.account import zones
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.v1.sites import make_site

router = APIRouter(route_class=PageRoute, include_in_schema=False)
TOLD = {"site": "The site is made.", "meter": "The meter belongs to that site now."}


@router.get("/installation", summary="Sites, and whose a meter is")
async def installation(request: Request, person: Operator, did: str = "") -> Response:
    """Every site, and every meter with the site that it belongs to."""
    return await _page(request, person, TOLD.get(did))


async def _page(request: Request, person: Principal, said: str | None = None, well: bool = True) -> Response:
    store = hub(request).store
    places = await store.sites.list()
    values = {
        "places": places,
        "names": {place.id: place.name for place in places},
        "points": await store.points.list(None),
        "zones": zones(),
        "said": said,
        "well": well,
    }
    return await page(request, "installation.html", person, "settings", **values)


@router.post("/installation/sites", summary="Make a site")
async def make(request: Request, person: Operator) -> Response:
    """Its owner is invited by mail; without an address it is the operator's own."""
    values = await forms.fields(request)
    try:
        name, zone = forms.wanted(values, "name"), forms.wanted(values, "timezone")
        await make_site(request, person, name, zone, values.get("owner", "").strip() or None)
    except WattledgerError as error:
        return await _page(request, person, str(error), False)
    return RedirectResponse("/installation?did=site", 303)


@router.post("/installation/meters", summary="Give a meter to a site")
async def assign(request: Request, person: Operator) -> Response:
    """By ESIID, whether or not anything was read of it yet."""
    values = await forms.fields(request)
    try:
        meter, site = esiid(forms.wanted(values, "esiid")), forms.wanted(values, "site")
        await assign_meter(hub(request).store, meter, site, actor(person))
    except WattledgerError as error:
        return await _page(request, person, str(error), False)
    return RedirectResponse("/installation?did=meter", 303)
