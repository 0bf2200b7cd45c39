"""What the owner of a site chooses about its ledger: the price, and who stands where in the equation."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from wattledger.errors import Refused
from wattledger.insight.equation import PLACES
from wattledger.insight.price import stored
from wattledger.web import forms
from wattledger.web.auth import Manager, actor
from wattledger.web.hub import hub
from wattledger.web.pages.account import show_settings
from wattledger.web.pages.render import PageRoute
from wattledger.web.parameters import public_id

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/settings/price", summary="Set what a kWh costs, and the base fee of a month")
async def price(request: Request, person: Manager) -> Response:
    """A flat price; an empty one takes it back."""
    values = await forms.fields(request)
    said = (values.get("per_kwh", ""), values.get("base_fee", ""), values.get("currency", "USD"))
    await hub(request).store.sites.choose(person.site, actor(person), price=stored(*said))
    return await show_settings(request, person, saved=True)


@router.post("/settings/points/{id}", summary="Place a usage point in the equation")
async def place(request: Request, person: Manager, id: str) -> Response:
    """As the whole, as a part (of another), or not at all."""
    values, points = await forms.fields(request), hub(request).store.points
    chosen, parent = forms.wanted(values, "equation"), values.get("parent", "")
    if chosen not in PLACES:
        raise Refused(f"equation is one of {', '.join(PLACES)}.", "BAD_PLACE", "equation", 422)
    point = await points.get(public_id(id, "usage point"), person.site)
    if parent and (await points.get(public_id(parent, "usage point"), person.site)).id == point.id:
        raise Refused("Nothing is part of itself.", "BAD_PLACE", "parent", 422)
    await points.choose(point.id, person.site, actor(person), equation=chosen, parent=parent or None)
    return await show_settings(request, person, saved=True)
