"""Letting cars go: access is ended at the vendor, tokens are erased here, what was recorded is kept.

DELETE /v1/ev/me/vehicles/{id}    one car
POST   /v1/ev/disconnect          every car of the site

Where the vendor cannot be told, the car is let go here all the same, and the answer says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import APIRouter, Request
from httpx2 import TransportError

from wattledger import connectors
from wattledger.connectors.http import open_client
from wattledger.connectors.smartcar import accounts
from wattledger.connectors.smartcar.auth import V2
from wattledger.errors import TryLater, WattledgerError
from wattledger.logs import REDACTOR
from wattledger.store.sources.connections import ConnectionRow
from wattledger.web.answers import Denied, Json
from wattledger.web.auth import Manager, actor, scope_of
from wattledger.web.contracts.ev import shapes
from wattledger.web.contracts.ev.app import app_of
from wattledger.web.contracts.ev.cars import NAME, Car, car_of, cars
from wattledger.web.contracts.ev.grant import application_token
from wattledger.web.hub import Hub, hub
from wattledger.web.v1.answered import answers

router = APIRouter(tags=["Cars"])
log = structlog.get_logger("wattledger.web")
LONGEST = 30.0
"""seconds for which the vendor is tried while somebody waits"""
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
    told = True
    for link in {car.connection.id: car.connection for car in listed if car.connection}.values():
        mine = [car for car in listed if car.connection and car.connection.id == link.id]
        told = await _end(found, link, mine, by) and told
    for car in listed:
        if car.connection is None:
            await found.store.vehicles.unlink(car.row.id, car.row.site, by)
    names = [car.row.id for car in listed]
    return {"ok": True, "vehicles": names, "revoked": told, "message": None if told else UNTOLD}


async def end_connection(found: Hub, link: ConnectionRow, by: str) -> bool:
    """Let a connection go with all of its cars. Returns whether the vendor was told."""
    rows = await found.store.vehicles.of_connection(link.id)
    return await _end(found, link, [Car(row, link) for row in rows], by)


async def _end(found: Hub, link: ConnectionRow, mine: Sequence[Car], by: str) -> bool:
    """The vendor first, while there still is a token; then here, whatever it said."""
    told = await _told(found, link, mine)
    left = {row.id for row in await found.store.vehicles.of_connection(link.id)}
    if left <= {car.row.id for car in mine}:
        await found.store.connections.disconnect(link.id, link.site, by)
    else:
        for car in mine:
            await found.store.vehicles.unlink(car.row.id, car.row.site, by)
    return told


async def _told(found: Hub, link: ConnectionRow, mine: Sequence[Car]) -> bool:
    end = _end_v3 if link.options.get("api") == "v3" else _end_v2
    try:
        async with asyncio.timeout(LONGEST):
            await end(found, link, mine)
    except (WattledgerError, Denied, TransportError, TimeoutError) as error:
        log.warning(
            "access not ended at the vendor", connection=link.id, reason=str(error), kind=type(error).__name__
        )
        return False
    return True


async def _end_v2(found: Hub, link: ConnectionRow, mine: Sequence[Car]) -> None:
    """With the grant's own token, refreshed where that is needed. Raises our errors."""
    grant = connectors.connector(NAME).grant
    if found.on_demand is None or grant is None:
        raise TryLater("This process does not hold the account's token.")
    app = app_of(found)
    client = app.client if isinstance(app.client, V2) else V2("", "", clock=found.clock)
    token = await found.on_demand.signed_in(link, grant)
    REDACTOR.register(token.access)
    async with open_client(str(link.options.get("base_url") or found.settings.smartcar_base_url)) as http:
        await client.revoke(token, http, [car.row.external_id for car in mine])


async def _end_v3(found: Hub, link: ConnectionRow, mine: Sequence[Car]) -> None:
    """With the application's token: each car's connection there. Raises our errors."""
    token = await application_token(found, app_of(found).secrets)
    user, mode = str(link.options.get("user_id", "")), str(link.options.get("mode", "live"))
    async with open_client(found.settings.smartcar_vehicle_url) as http:
        http.headers["authorization"] = f"Bearer {token.access}"
        for car in mine:
            await accounts.end_vehicle(http, user, mode, car.row.external_id, found.clock.now())
