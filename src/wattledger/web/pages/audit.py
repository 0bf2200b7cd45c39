"""The audit as a page: a site's own, and for the operator everything."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from wattledger.store.people.principal import Principal
from wattledger.web.auth import Manager, Operator
from wattledger.web.hub import hub
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.people import names

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Before = Annotated[int | None, Query(ge=1, le=2**62)]
PAGE = 50


@router.get("/audit", summary="What was done at the site")
async def audit(request: Request, person: Manager, before: Before = None) -> Response:
    """Who did what, newest first, fifty at a time."""
    return await _page(request, person, person.site, before)


@router.get("/audit/all", summary="What was done in the installation")
async def everything(request: Request, person: Operator, before: Before = None) -> Response:
    """Every site's actions and the installation's own."""
    return await _page(request, person, None, before)


async def _page(request: Request, person: Principal, site: str | None, before: int | None) -> Response:
    rows = await hub(request).store.audit.list(PAGE + 1, before, site=site)
    values = {
        "rows": rows[:PAGE],
        "older": rows[PAGE - 1].id if len(rows) > PAGE else None,
        "who": await names(request, {row.actor for row in rows}),
        "all": site is None,
        "places": {place.id: place.name for place in await hub(request).store.sites.list()},
        "before": before,
    }
    return await page(request, "audit.html", person, "people", **values)
