"""Sources: relays, connections, how new each meter is, and what to do where something is wrong."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from wattledger.model import Flow
from wattledger.transport import is_plain
from wattledger.web.auth import Owner, User
from wattledger.web.hub import hub
from wattledger.web.pages.attention import Freshness, judge_freshness, relays
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.trigger import TriggerFailed

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/sources", summary="Sources and their health")
async def sources(request: Request, person: User, asked: bool = False) -> Response:
    """Every way data comes here, when it last did, and what to do."""
    said = "Asked. The relay fetches what is new; it shows here within a minute." if asked else None
    return await _sources(request, person, said)


async def _sources(request: Request, person: User, said: str | None = None, well: bool = True) -> Response:
    found = hub(request)
    values = {
        "relays": await relays(found),
        "connections": await found.store.connections.list(person.site),
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
        coverage = await found.store.energy.coverage(point, Flow.DELIVERED)
        judged.append(judge_freshness(point, coverage.newest, found.clock.now()))
    return judged


@router.post("/sources/fetch", summary="Ask the relay for a cycle now")
async def fetch(request: Request, person: Owner) -> Response:
    """One cycle of the relay; it answers at once and works on."""
    try:
        await hub(request).trigger({"reason": "user_refresh"})
    except TriggerFailed as error:
        return await _sources(request, person, str(error), False)
    return RedirectResponse("/sources?asked=1", 303)
