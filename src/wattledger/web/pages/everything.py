"""Settings of an owner: take everything away, or delete it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from wattledger.errors import WattledgerError
from wattledger.store.archive.erase import Erased
from wattledger.web import forms
from wattledger.web.auth import Owner
from wattledger.web.everything.delete import delete_everything
from wattledger.web.hub import hub
from wattledger.web.pages import words
from wattledger.web.pages.account import show_settings
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.v1.everything import everything

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/settings/export", summary="Everything of the site as one ZIP")
async def export(request: Request, person: Owner) -> Response:
    """Streamed while it is made."""
    return await everything(request, person)


@router.post("/settings/delete", summary="Delete everything of the site")
async def delete(request: Request, person: Owner) -> Response:
    """Only with the site's name typed; the site, its people and its audit stay."""
    typed = (await forms.fields(request)).get("confirm", "")
    try:
        done = await delete_everything(hub(request), person, typed)
    except WattledgerError as error:
        return await show_settings(request, person, wrong=str(error))
    return await page(request, "deleted.html", person, "settings", gone=sentence(done.erased), told=done.told)


def sentence(erased: Erased) -> str:
    """What went."""
    files = f"{words.plural(erased.payloads, 'raw file')} ({words.size(erased.bytes)})"
    points = words.plural(erased.points, "meter or device", "meters and devices")
    links = words.plural(erased.connections, "connection")
    return f"Gone for good: {files}, {points} with all their readings, {links}, and every API token."
