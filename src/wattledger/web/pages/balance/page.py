"""Today and the explorer: one page that shows a site's equation for a day, week, month or year."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from wattledger import localday
from wattledger.insight.price import price_of
from wattledger.store.people.principal import Principal
from wattledger.web.answers import Json
from wattledger.web.auth import User
from wattledger.web.balance import Placed, newest_metered, placed
from wattledger.web.hub import hub
from wattledger.web.pages.balance import words as said
from wattledger.web.pages.balance.ages import ages
from wattledger.web.pages.balance.beside import compared
from wattledger.web.pages.balance.heat import heat_document
from wattledger.web.pages.balance.sheet import BalanceSheet, document, load, whole_of
from wattledger.web.pages.balance.turning import Asked, Compare, Turning, View, asked
from wattledger.web.pages.period import By, Period
from wattledger.web.pages.render import PageRoute, page

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Word = Annotated[str, Query(max_length=64, pattern="^[A-Za-z0-9]*$")]


def wished(
    view: View = "stack",
    compare: Compare = "",
    hide: Annotated[str, Query(max_length=2000)] = "",
    what: Word = "",
) -> Asked:
    """How the address wants a period to be shown."""
    return asked(view, compare, hide, what)


@router.get("/", summary="The first page: today")
async def first(person: User) -> Response:
    """To the newest day of the site."""
    return RedirectResponse("/today", 303)


@router.get("/today", summary="A day's equation: meter = car + units + rest")
async def today(
    request: Request, person: User, wish: Annotated[Asked, Depends(wished)], start: date | None = None
) -> Response:
    """The newest day that the meter knows, or another; the running day shows what its parts say."""
    return await _page(request, person, "today", "day", start, wish)


@router.get("/explorer", summary="The equation by day, week, month or year")
async def explorer(
    request: Request,
    person: User,
    wish: Annotated[Asked, Depends(wished)],
    by: By = "month",
    start: date | None = None,
) -> Response:
    """The same for longer periods; the address holds the whole state."""
    return await _page(request, person, "explorer", by, start, wish)


@router.get("/explorer/heat", summary="Every hour of the meter, a part or the rest, for the heat map")
async def heat(request: Request, person: User, start: date, by: By = "month", what: Word = "") -> Response:
    """Columns by day, the same quarter-hours as the chart's."""
    store = hub(request).store
    site, period = await store.sites.get(person.site), Period.around(by, start)
    found = await whole_of(store, await placed(store, person.site), period, site.timezone)
    return Json(heat_document(found, period, site.timezone, what))


@router.get("/more", summary="The sections that a phone's tabs do not show")
async def more(request: Request, person: User) -> Response:
    """A list of them."""
    return await page(request, "more.html", person, "more")


async def _page(
    request: Request, person: Principal, section: str, by: By, start: date | None, wish: Asked
) -> Response:
    found = hub(request)
    site, points = await found.store.sites.get(person.site), await placed(found.store, person.site)
    if not points.wholes and not points.parts:
        return await page(request, "empty.html", person, section)
    running = localday.day(localday.today(found.clock.now(), site.timezone))
    newest = await _newest(request, points, running)
    period = Period.around(by, start or newest)
    sheet = await load(found.store, points, period, site.timezone, price_of(site.choices))
    before = await compared(found.store, points, sheet, wish.compare)
    turn = Turning(section, period, newest, running, wish)
    listed = await ages(found, person.site, found.clock.now())
    values = {"sheet": sheet, "turn": turn, "ages": listed, **_said(sheet, turn, before)}
    return await page(request, "balance.html", person, section, **values)


def _said(sheet: BalanceSheet, turn: Turning, before: list[float | None] | None) -> dict[str, Any]:
    return {
        "folded": said.folded(sheet.lines),
        "split": said.split(sheet.lines),
        "remarks": said.remarks(sheet),
        "cautions": said.cautions(sheet, turn),
        "quality": said.quality(sheet),
        "chart": {**document(sheet, turn.links, turn.asked.hide), "before": before},
        "money": partial(said.money, sheet),
    }


async def _newest(request: Request, points: Placed, running: date) -> date:
    """The newest day of the meter; the running one where there is no meter."""
    day = await newest_metered(hub(request).store, points)
    return running if day is None else localday.day(day)
