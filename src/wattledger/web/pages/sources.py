"""Sources: relays, connections, how new each meter is, and what to do where something is wrong."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from wattledger.model import Flow, PointKind
from wattledger.transport import is_plain
from wattledger.web.audited import note
from wattledger.web.auth import Manager, User
from wattledger.web.hub import hub
from wattledger.web.pages.attention import Freshness, judge_freshness, relays
from wattledger.web.pages.car_words import car_sources
from wattledger.web.pages.connected import sources as smartthings_of
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.trigger import TriggerFailed

NOT_SIGNED_IN = {
    "spent": "This sign-in is too old, was used already, or began in another browser; start again.",
    "denied": "SmartThings did not let us in: nobody agreed there. Start again.",
    "settings": "SmartThings does not know our app; check SMARTTHINGS_CLIENT_ID and its secret.",
    "later": "SmartThings could not be asked just now; start again in a minute.",
    "failed": "SmartThings did not accept this sign-in; start again.",
}
OWN_CARDS = ("smartthings", "smartcar")
router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/sources", summary="Sources and their health")
async def sources(
    request: Request,
    person: User,
    asked: bool = False,
    connected: str = "",
    error: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Every way data comes here, when it last did, and what to do."""
    said = "Asked. The relay fetches what is new; it shows here within a minute." if asked else None
    if connected:
        said = "SmartThings is connected; its units show after the first collection."
    if error:
        said = NOT_SIGNED_IN.get(error, NOT_SIGNED_IN["failed"])
    return await sources_page(request, person, said, not error)


async def sources_page(
    request: Request, person: User, said: str | None = None, well: bool = True
) -> Response:
    """The page of sources, with what came of an action on it (`said`) where there was one."""
    found = hub(request)
    values = {
        "relays": await relays(found),
        "connections": [
            c for c in await found.store.connections.list(person.site) if c.connector not in OWN_CARDS
        ],
        "smartthings": await smartthings_of(found, person.site),
        "cars": await car_sources(found, person.site),
        "can_sign_in": bool(found.settings.smartthings_client_id),
        "meters": await _meters(request, person.site),
        "latest": await found.store.payloads.list(person.site, limit=5),
        "can_fetch": bool(found.settings.droplet_url),
        "plain": is_plain(found.settings.droplet_url or ""),
        "said": said,
        "well": well,
    }
    return await page(request, "sources.html", person, "sources", **values)


async def _meters(request: Request, site: str) -> list[Freshness]:
    found = hub(request)
    judged = []
    for point in await found.store.points.list(site):
        if point.kind != PointKind.METER:
            continue
        coverage = await found.store.energy.coverage(point, Flow.DELIVERED)
        judged.append(judge_freshness(point, coverage.newest, found.clock.now()))
    return judged


@router.post("/sources/fetch", summary="Ask the relay for a cycle now")
async def fetch(request: Request, person: Manager) -> Response:
    """One cycle of the relay; it answers at once and works on."""
    try:
        await hub(request).trigger({"reason": "user_refresh"})
    except TriggerFailed as error:
        return await sources_page(request, person, str(error), False)
    await note(request, person, "relay.asked", "relay")
    return RedirectResponse("/sources?asked=1", 303)
