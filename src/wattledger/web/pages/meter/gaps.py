"""What is missing and what was revised, with the way to ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from wattledger import localday
from wattledger.errors import Refused, TryLater
from wattledger.model import Flow
from wattledger.store.rows import Revision, UsagePointRow
from wattledger.web import forms
from wattledger.web.audited import note
from wattledger.web.auth import Manager, User
from wattledger.web.hub import hub
from wattledger.web.pages.meter.calendar import WIDTH, strips
from wattledger.web.pages.meter.page import FLOWS, FlowName
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.trigger import TriggerFailed
from wattledger.web.v1.backfill import ask_for_gaps

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PointId = Annotated[str | None, Query(max_length=64)]
_MOST_GAPS = 200
_MOST_DAYS = 400


@dataclass(frozen=True, slots=True)
class RevisedDay:
    """All revised quarter-hours of one local day. Wh before and after, over those alone."""

    day: date
    revisions: list[Revision]
    before: int
    after: int


@router.get("/gaps", summary="Gaps of a meter, and a calendar of its days")
async def gaps(
    request: Request, person: User, point: PointId = None, flow: FlowName = "delivered", asked: bool = False
) -> Response:
    """The calendar, every gap, and the button that asks the relay for them."""
    found = hub(request)
    points = await found.store.points.list(person.site)
    if not points:
        return await page(request, "empty.html", person, "meter")
    chosen = await found.store.points.get(point, person.site) if point else points[0]
    coverage = await found.store.energy.coverage(chosen, FLOWS[flow])
    values = {
        "points": points,
        "point": chosen,
        "flow": flow,
        "coverage": coverage,
        "most": _MOST_GAPS,
        "strip_width": WIDTH,
        "asked": asked,
    }
    values |= await _calendar(request, chosen, FLOWS[flow], coverage.first_day, coverage.last_day)
    values["can_ask"] = bool(found.settings.droplet_url) and chosen.connector == "smart_meter_texas"
    return await page(request, "gaps.html", person, "meter", **values)


@router.post("/gaps/backfill", summary="Ask the relay for all gaps of a meter")
async def backfill(request: Request, person: Manager) -> Response:
    """One request for the days of every gap; they arrive as raw files."""
    found, values = hub(request), await forms.fields(request)
    point = await found.store.points.get(forms.wanted(values, "point"), person.site)
    try:
        answer = await ask_for_gaps(found, point)
    except TriggerFailed as error:
        raise TryLater(f"{error} Nothing was asked; try again, or look at Sources.") from None
    await note(request, person, "backfill.asked", f"usage_point:{point.id}", {"days": answer["days"]})
    return RedirectResponse(f"/gaps?point={point.id}&asked=1", 303)


async def _calendar(
    request: Request, point: UsagePointRow, flow: Flow, first: date | None, last: date | None
) -> dict[str, object]:
    if first is None or last is None:
        return {"gaps": [], "strips": []}
    energy = hub(request).store.energy
    days = await energy.series(point, flow, first, last + timedelta(days=1), "day")
    found = await energy.gaps(point, flow, localday.number(first), localday.number(last))
    return {"gaps": found, "strips": strips(days, point.timezone)}


@router.get("/revisions", summary="Revised values of a meter, the old beside the new")
async def revisions(
    request: Request,
    person: User,
    point: PointId = None,
    start: date | None = None,
    end: date | None = None,
    flow: FlowName = "delivered",
) -> Response:
    """By day; of a single day every quarter-hour."""
    store = hub(request).store
    points = await store.points.list(person.site)
    if not points:
        return await page(request, "empty.html", person, "meter")
    chosen = await store.points.get(point, person.site) if point else points[0]
    coverage = await store.energy.coverage(chosen, FLOWS[flow])
    first = start or coverage.first_day or hub(request).clock.now().date()
    last = end - timedelta(days=1) if end else coverage.last_day or first
    if last < first:
        raise Refused("The end must come after the start.", "BAD_RANGE", "end")
    numbers = localday.number(first), localday.number(last)
    found = await store.energy.revisions(chosen, FLOWS[flow], *numbers)
    days = by_day(found, chosen.timezone)[:_MOST_DAYS]
    values = {"points": points, "point": chosen, "flow": flow, "days": days, "first": first, "last": last}
    return await page(request, "revisions.html", person, "meter", **values)


def by_day(found: Sequence[Revision], tz: str) -> list[RevisedDay]:
    """Revisions by local day, newest day first."""
    zone = localday.zone(tz)
    ordered = sorted(found, key=lambda r: r.start)
    days = []
    for day, group in groupby(ordered, key=lambda r: r.start.astimezone(zone).date()):
        items = list(group)
        after = sum(r.winning.wh for r in items if r.winning)
        days.append(RevisedDay(day, items, sum(r.losing.wh for r in items), after))
    return days[::-1]
