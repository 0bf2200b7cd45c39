"""Letting cars go: access is ended at the vendor, tokens are erased here, what was recorded is kept.

DELETE /v1/ev/me/vehicles/{id}    one car
POST   /v1/ev/disconnect          every car of the site

Where the vendor cannot be told, the car is let go here all the same, and the answer says so: the collector
tells it again until it knows, or will not hear of it, and only then the token is erased.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request

from wattledger.connectors.base import ENDING
from wattledger.errors import TryLater
from wattledger.faults import fault
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.vehicles import VehicleRow
from wattledger.web.answers import Json
from wattledger.web.auth import Manager, actor, scope_of
from wattledger.web.contracts.ev import shapes
from wattledger.web.contracts.ev.cars import Car, car_of, cars
from wattledger.web.hub import Hub, hub
from wattledger.web.v1.answered import answers

router = APIRouter(tags=["Cars"])
LONGEST = 30.0
"""seconds for which the vendor is tried while somebody waits"""
WAITING = "Smartcar has not confirmed it yet; it is told again until it does."
UNTOLD = "Smartcar could not be told; take our access away in the account's own settings there, too."


@router.delete("/v1/ev/me/vehicles/{id}", responses=answers(shapes.Disconnected))
async def forget(request: Request, person: Manager, id: str) -> Json:
    """Disconnect one car: our access to it is ended at the vendor, its history is kept."""
    found = hub(request)
    car = await car_of(found, scope_of(person), id)
    return Json(await let_go(found, [car] if car.row.active else [], actor(person)))


@router.post("/v1/ev/disconnect", responses=answers(shapes.Disconnected))
async def disconnect(request: Request, person: Manager) -> Json:
    """Disconnect every car of the site: access is ended at the vendor, tokens are erased, history is kept."""
    found = hub(request)
    listed = [car for car in await cars(found.store, person.site) if car.row.active]
    return Json(await let_go(found, listed, actor(person)))


async def let_go(found: Hub, listed: Sequence[Car], by: str) -> dict[str, Any]:
    """Let these cars go, and every connection that reaches no other."""
    said: list[str] = []
    for link in {car.connection.id: car.connection for car in listed if car.connection}.values():
        mine = [car.row for car in listed if car.connection and car.connection.id == link.id]
        said += filter(None, [await _end(found, link, mine, by)])
    for car in listed:
        if car.connection is None:
            await found.store.vehicles.unlink(car.row.id, car.row.site, by)
    names = [car.row.id for car in listed]
    return {"ok": True, "vehicles": names, "revoked": not said, "message": said[0] if said else None}


async def end_connection(found: Hub, link: ConnectionRow, by: str) -> str | None:
    """Let a connection go with all of its cars. Returns a sentence where the vendor does not know yet."""
    return await _end(found, link, await found.store.vehicles.of_connection(link.id), by)


async def _end(found: Hub, link: ConnectionRow, mine: Sequence[VehicleRow], by: str) -> str | None:
    """Here first, with the note that the vendor is yet to be told; then the vendor, for half a minute."""
    await found.store.connections.let_go(link.id, link.site, mine, by)
    fault("web.cars_let_go")
    if found.on_demand is not None:
        with suppress(TimeoutError, TryLater):
            async with asyncio.timeout(LONGEST):
                await found.on_demand.tell(link)
    now = await found.store.connections.get(link.id, link.site)
    if now.options.get(ENDING):
        return WAITING
    return UNTOLD if now.state == "disconnected" and now.last_error else None
