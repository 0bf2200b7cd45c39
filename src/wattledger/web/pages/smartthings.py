"""What an owner does with a SmartThings connection: paste a token, sign in, collect now."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from wattledger.errors import WattledgerError
from wattledger.web import forms
from wattledger.web.audited import note
from wattledger.web.auth import Manager, actor
from wattledger.web.contracts.ac import oauth, pasted
from wattledger.web.hub import hub
from wattledger.web.pages.render import PageRoute
from wattledger.web.pages.sources import sources_page

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/sources/smartthings/token", summary="Store a SmartThings token")
async def paste(request: Request, person: Manager) -> Response:
    """A pasted token, for one connection or for a new one; tried before it replaces another."""
    found, values = hub(request), await forms.fields(request)
    try:
        row = None
        if id := values.get("connection"):
            row = await pasted.chosen(found.store, person.site, id)
        vendor, text = found.settings.smartthings_base_url, values.get("token", "")
        done = await pasted.place(found.store, found.clock, vendor, person.site, text, actor(person), row)
    except WattledgerError as error:
        return await sources_page(request, person, str(error), False)
    told = "The token is stored; collecting begins now." if done.reset else "This is the same token."
    return await sources_page(request, person, done.warning or told, done.warning is None)


@router.get("/sources/smartthings/connect", summary="Sign in to SmartThings")
async def connect(request: Request, person: Manager, connection: str | None = None) -> Response:
    """To SmartThings, where the owner consents; from there back to the sources."""
    try:
        browser = person.via == "session"
        url = await oauth.begin(request, person.user_id, person.site, browser, connection)
    except WattledgerError as error:
        return await sources_page(request, person, str(error), False)
    return RedirectResponse(url, 303)


@router.post("/sources/smartthings/{id}/collect", summary="Collect a SmartThings connection now")
async def collect(request: Request, person: Manager, id: str) -> Response:
    """Collect at once and say how it went."""
    found = hub(request)
    try:
        row = await pasted.chosen(found.store, person.site, id)
        if row is None or found.on_demand is None:
            return await sources_page(request, person, "Another process collects.", False)
        await note(request, person, "connection.collected", f"connection:{row.id}")
        error = await found.on_demand.collect(row)
    except WattledgerError as refused:
        error = refused
    return await sources_page(request, person, str(error) if error else "Collected.", error is None)
