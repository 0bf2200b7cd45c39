"""What people do with cars: connect, sign in again, collect now, let go; and how connecting went."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from wattledger.errors import NotFound, WattledgerError
from wattledger.store.people.principal import Principal
from wattledger.store.sources.connections import ConnectionRow
from wattledger.web.answers import Denied
from wattledger.web.audited import note
from wattledger.web.auth import Manager, actor, current
from wattledger.web.contracts.ev.app import begin
from wattledger.web.contracts.ev.cars import NAME
from wattledger.web.contracts.ev.disconnect import end_connection
from wattledger.web.contracts.ev.failures import OTHERWISE, WORDS
from wattledger.web.guards import public
from wattledger.web.hub import Hub, hub
from wattledger.web.pages.render import PageRoute, html, page
from wattledger.web.pages.sources import sources_page
from wattledger.web.parameters import public_id

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Somebody = Annotated[Principal | None, Depends(current)]


@router.get("/sources/smartcar/connect", summary="Connect a car, or sign in again")
async def connect(request: Request, person: Manager) -> Response:
    """To Smartcar, where the owner chooses cars and consents; from there back to a page of ours."""
    try:
        return RedirectResponse(await begin(request, person), 303)
    except Denied as unset:
        return await sources_page(request, person, str(unset.body["message"]), False)
    except WattledgerError as error:
        return await sources_page(request, person, str(error), False)


@router.post("/sources/smartcar/{id}/collect", summary="Collect cars now")
async def collect(request: Request, person: Manager, id: str) -> Response:
    """Collect at once and say how it went; pauses of the vendor and allowances are kept."""
    found = hub(request)
    row = await _link(found, person, id)
    if found.on_demand is None:
        return await sources_page(request, person, "Another process collects.", False)
    await note(request, person, "connection.collected", f"connection:{row.id}")
    try:
        error = await found.on_demand.collect(row)
    except WattledgerError as refused:
        error = refused
    return await sources_page(request, person, str(error) if error else "Collected.", error is None)


@router.post("/sources/smartcar/{id}/disconnect", summary="Let a connection's cars go")
async def disconnect(request: Request, person: Manager, id: str) -> Response:
    """End our access at the vendor and erase the tokens; what was recorded stays."""
    found = hub(request)
    untold = await end_connection(found, await _link(found, person, id), actor(person))
    said = "Disconnected. What was recorded stays."
    return await sources_page(request, person, f"{said} {untold}" if untold else said, untold is None)


async def _link(found: Hub, person: Principal, id: str) -> ConnectionRow:
    """A car connection of the person's site. Raises NotFound."""
    row = await found.store.connections.get(public_id(id, "connection"), person.site)
    if row.connector != NAME or row.state == "disconnected":
        raise NotFound("There is no such connection.")
    return row


@router.get("/vehicle/connected", summary="A car was connected", dependencies=[Depends(public)])
async def connected(request: Request, person: Somebody, vehicle_id: str = "") -> Response:
    """Where the browser lands after a car was connected."""
    name = await _name(request, person, vehicle_id) if person else None
    text = f"{name} is connected." if name else "The car is connected."
    more = "Its first values are on their way; the page Car shows them within a minute."
    return await _told(request, person, "Connected", f"{text} {more}", good=True)


@router.get("/vehicle/connect", summary="A car was not connected", dependencies=[Depends(public)])
async def not_connected(request: Request, person: Somebody, error: str = "") -> Response:
    """Where the browser lands after a car was not connected: why, and what to do."""
    return await _told(request, person, "Not connected", WORDS.get(error, WORDS[OTHERWISE]), good=False)


async def _name(request: Request, person: Principal, id: str) -> str | None:
    try:
        vehicles = hub(request).store.vehicles
        return (await vehicles.get(public_id(id, "vehicle"), person.site)).name
    except NotFound:
        return None


async def _told(request: Request, person: Principal | None, title: str, text: str, good: bool) -> Response:
    values: dict[str, Any] = {"title": title, "text": text, "good": good}
    if person is None:
        return html("error.html", **values)
    return await page(request, "vehicle.html", person, "sources", **values)
