"""The meter's page: a day, week, month or year of one usage point. The address holds the whole state."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from wattledger import localday
from wattledger.model import Flow, PointKind
from wattledger.store.people.people import Principal
from wattledger.store.rows import PayloadRow
from wattledger.web.answers import Json
from wattledger.web.auth import User
from wattledger.web.hub import hub
from wattledger.web.pages.heat import document as document_of
from wattledger.web.pages.meter.sheet import known_days, load, runs_on
from wattledger.web.pages.meter.view import View
from wattledger.web.pages.period import By, Period
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.pages.slots import edges, gather

router = APIRouter(route_class=PageRoute, include_in_schema=False)
FLOWS = {"delivered": Flow.DELIVERED, "received": Flow.RECEIVED}
FlowName = Annotated[str, Query(pattern="^(delivered|received)$")]
_MOST_FILES = 3


@router.get("/meter", summary="A meter's energy by day, week, month or year")
async def meter(
    request: Request,
    person: User,
    point: Annotated[str | None, Query(max_length=64)] = None,
    by: By = "day",
    start: date | None = None,
    flow: FlowName = "delivered",
    compare: bool = False,
) -> Response:
    """The chart, its table and what is known, for the period that holds `start` (default: the newest)."""
    points = await hub(request).store.points.list(person.site)
    points.sort(key=lambda one: one.kind != PointKind.METER)
    if not points:
        return await page(request, "empty.html", person, "meter")
    chosen = await hub(request).store.points.get(point, person.site) if point else points[0]
    coverage = await hub(request).store.energy.coverage(chosen, FLOWS[flow])
    newest = coverage.last_day or localday.day(localday.today(hub(request).clock.now(), chosen.timezone))
    sheet = await load(hub(request).store, chosen, FLOWS[flow], Period.around(by, start or newest), coverage)
    files = await _files(request, person, sheet.payloads)
    view = View(sheet, flow, compare)
    returns = await hub(request).store.energy.coverage(chosen, Flow.RECEIVED)
    values = {"points": points, "sheet": sheet, "view": view, "files": files, "two_way": returns.found > 0}
    return await page(request, "meter.html", person, "meter", **values)


@router.get("/meter/heat", summary="Every hour of a meter's month or year, for its heat map")
async def heat(
    request: Request,
    person: User,
    point: Annotated[str, Query(max_length=64)],
    start: date,
    by: Literal["month", "year"] = "month",
    flow: FlowName = "delivered",
) -> Response:
    """Columns by day; the same quarter-hours as the chart's."""
    store = hub(request).store
    chosen = await store.points.get(point, person.site)
    coverage = await store.energy.coverage(chosen, FLOWS[flow])
    period = Period.around(by, start)
    first, last = localday.number(period.start), localday.number(period.end) - 1
    blocks = await store.energy.days(chosen.id, FLOWS[flow], first, last)
    slots = gather(period, chosen.timezone, blocks, known_days(coverage), running=runs_on(chosen))
    return Json(document_of(period, slots, edges(slots, period, len(period.days) if by == "month" else 12)))


async def _files(request: Request, person: Principal, payloads: list[int]) -> list[PayloadRow]:
    return [await hub(request).store.payloads.get(i, person.site) for i in payloads[:_MOST_FILES]]
