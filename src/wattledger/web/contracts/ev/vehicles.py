"""/v1/ev/me/vehicles: the site's cars, which one comes first, and what their owner chose."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field, StrictBool

from wattledger.web.answers import Json
from wattledger.web.auth import Manager, User, actor, scope_of
from wattledger.web.contracts.ev import shapes
from wattledger.web.contracts.ev.cars import car_json, car_of, cars
from wattledger.web.hub import hub
from wattledger.web.jsonbody import Body, Text, described, json_body
from wattledger.web.v1.answered import answers

router = APIRouter(prefix="/v1/ev/me/vehicles", tags=["Cars"])


@router.get("", responses=answers(shapes.Vehicles))
async def vehicles(request: Request, person: User) -> Json:
    """List the site's cars: those in use first, the primary before all."""
    found = hub(request)
    return Json({"vehicles": [car_json(found, car) for car in await cars(found.store, scope_of(person))]})


@router.put("/{id}/primary", responses=answers(shapes.Vehicle))
async def make_primary(request: Request, person: Manager, id: str) -> Json:
    """Make a car the primary: the one that is shown and answered for where none is named."""
    found = hub(request)
    car = await car_of(found, scope_of(person), id)
    await found.store.vehicles.make_primary(car.row.id, car.row.site, actor(person))
    return Json(car_json(found, await car_of(found, car.row.site, id)))


class Choices(Body):
    """What an owner chooses for a car; what is left out stays, a null capacity is the vendor's again."""

    name: Text | None = None
    location: StrictBool | None = None
    """whether we may know where it is"""
    capacity_kwh: Annotated[float, Field(ge=1, le=500)] | None = None
    """usable, in kWh, for energy that follows from the state of charge"""
    efficiency: Annotated[float, Field(ge=0.5, le=1)] | None = None
    """share of the energy at the wall that reaches the battery"""


@router.patch("/{id}", responses=answers(shapes.Vehicle), openapi_extra=described(Choices))
async def change(
    request: Request, person: Manager, id: str, wish: Annotated[Choices, Depends(json_body(Choices))]
) -> Json:
    """Rename a car, keep or drop its location, or correct its battery's capacity and efficiency."""
    found = hub(request)
    car = await car_of(found, scope_of(person), id)
    if wish.name is not None:
        await found.store.points.rename(car.row.id, wish.name, car.row.site)
    if changes := chosen_of(wish):
        await found.store.vehicles.set_options(car.row.id, car.row.site, changes, actor(person))
    return Json(car_json(found, await car_of(found, car.row.site, id)))


def chosen_of(wish: Choices) -> dict[str, Any]:
    """The options that a wish names; null means the default."""
    named = wish.model_fields_set - {"name"}
    values = {name: getattr(wish, name) for name in named}
    defaults = {"location": True, "efficiency": 0.9}
    return {name: defaults.get(name) if value is None else value for name, value in values.items()}
