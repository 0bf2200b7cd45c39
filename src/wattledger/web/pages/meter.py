"""The meter's page: a day, week, month or year of one usage point. The address holds the whole state."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from wattledger import localday
from wattledger.model import Flow, PointKind
from wattledger.store.people import Principal
from wattledger.store.rows import PayloadRow
from wattledger.web.answers import Json
from wattledger.web.auth import User
from wattledger.web.hub import hub
from wattledger.web.pages.chart import document
from wattledger.web.pages.heat import document as document_of
from wattledger.web.pages.period import WAYS, By, Period
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.pages.sheet import Sheet, load
from wattledger.web.pages.slots import edges

router = APIRouter(route_class=PageRoute, include_in_schema=False)
FLOWS = {"delivered": Flow.DELIVERED, "received": Flow.RECEIVED}
FlowName = Annotated[str, Query(pattern="^(delivered|received)$")]
_MOST_FILES = 3


@router.get("/", summary="The first page: the meter")
async def first(person: User) -> Response:
    """To the meter's page."""
    return RedirectResponse("/meter", 303)


@router.get("/meter", summary="A meter's energy by day, week, month or year")
async def meter(
    request: Request,
    person: User,
    point: Annotated[str | None, Query(max_length=64)] = None,
    by: By = "day",
    start: date | None = None,
    flow: FlowName = "delivered",
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
    view = View(sheet, flow, len(points) > 1)
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
    sheet = await load(store, chosen, FLOWS[flow], Period.around(by, start), coverage)
    return Json(document_of(sheet.period, sheet.slots, edges(sheet.slots, sheet.period, len(sheet.bars))))


async def _files(request: Request, person: Principal, payloads: list[int]) -> list[PayloadRow]:
    return [await hub(request).store.payloads.get(i, person.site) for i in payloads[:_MOST_FILES]]


class View:
    """Addresses of the pages around this one, and the chart's data."""

    def __init__(self, sheet: Sheet, flow: str, several: bool) -> None:
        self._sheet, self._flow, self._several = sheet, flow, several

    def link(self, by: str | None = None, start: date | str | None = None, flow: str | None = None) -> str:
        """The address of this page with another period, start or flow."""
        query = {"point": self._sheet.point.id, "by": by or self._sheet.period.by}
        query["start"] = str(start or self._sheet.period.start)
        if (flow or self._flow) != "delivered":
            query["flow"] = flow or self._flow
        return "/meter?" + urlencode(query)

    def to(self, target: str) -> str:
        """The address of `day:2026-07-14`."""
        by, _, start = target.partition(":")
        return self.link(by, start)

    @property
    def previous(self) -> str | None:
        """The period before, None where nothing is known any more."""
        first = self._sheet.coverage.first_day
        return (
            self.link(start=self._sheet.period.previous().start)
            if first and first < self._sheet.period.start
            else None
        )

    @property
    def next(self) -> str | None:
        """The period after, None after the newest reading."""
        last = self._sheet.coverage.last_day
        return self.link(start=self._sheet.period.end) if last and last >= self._sheet.period.end else None

    @property
    def newest(self) -> str | None:
        """The newest period."""
        last = self._sheet.coverage.last_day
        return self.link(start=last) if last else None

    def same_day(self, by: By) -> str:
        """The period of another kind around the last known day of this one."""
        last, period = self._sheet.coverage.last_day, self._sheet.period
        inside = period.start if by in {"month", "year"} or last is None else min(last, period.days[-1])
        return self.link(by, inside)

    @property
    def heat(self) -> str:
        """Where the heat map's data is."""
        return self.link().replace("/meter?", "/meter/heat?", 1)

    @property
    def chart(self) -> dict[str, object]:
        """The chart's data."""
        sheet = self._sheet
        deeper = {"month": "day", "year": "month", "week": "day"}.get(sheet.period.by)
        links = {"previous": self.previous, "next": self.next, "newest": self.newest}
        links |= {by: self.same_day(by) for by in WAYS}
        links["deeper"] = self.link(deeper, "DAY") if deeper else None
        return document(sheet.period, sheet.bars, sheet.point.name, {k: v for k, v in links.items() if v})
