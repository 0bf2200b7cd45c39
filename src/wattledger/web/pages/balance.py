"""Today and the explorer: one page that shows a site's equation for a day, week, month or year."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from wattledger import localday
from wattledger.insight.price import price_of
from wattledger.store.people.principal import Principal
from wattledger.web.auth import User
from wattledger.web.balance import Placed, newest_metered, placed
from wattledger.web.hub import hub
from wattledger.web.pages import balance_words as said
from wattledger.web.pages.ages import ages
from wattledger.web.pages.balance_sheet import BalanceSheet, document, load
from wattledger.web.pages.period import By, Period
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.pages.turning import Turning

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/", summary="The first page: today")
async def first(person: User) -> Response:
    """To the newest day of the site."""
    return RedirectResponse("/today", 303)


@router.get("/today", summary="A day's equation: meter = car + units + rest")
async def today(request: Request, person: User, start: date | None = None) -> Response:
    """The newest day that the meter knows, or another; the running day shows what its parts say."""
    return await _page(request, person, "today", "day", start)


@router.get("/explorer", summary="The equation by day, week, month or year")
async def explorer(
    request: Request, person: User, by: Annotated[By, Query()] = "month", start: date | None = None
) -> Response:
    """The same for longer periods; the address holds the whole state."""
    return await _page(request, person, "explorer", by, start)


@router.get("/more", summary="The sections that a phone's tabs do not show")
async def more(request: Request, person: User) -> Response:
    """A list of them."""
    return await page(request, "more.html", person, "more")


async def _page(request: Request, person: Principal, section: str, by: By, start: date | None) -> Response:
    found = hub(request)
    site, points = await found.store.sites.get(person.site), await placed(found.store, person.site)
    if not points.wholes and not points.parts:
        return await page(request, "empty.html", person, section)
    running = localday.day(localday.today(found.clock.now(), site.timezone))
    newest = await _newest(request, points, running)
    period = Period.around(by, start or newest)
    sheet = await load(found.store, points, period, site.timezone, price_of(site.choices))
    turn = Turning(section, period, newest, running)
    listed = await ages(found, person.site, found.clock.now())
    values = {"sheet": sheet, "turn": turn, "ages": listed, **_said(sheet, turn)}
    return await page(request, "balance.html", person, section, **values)


def _said(sheet: BalanceSheet, turn: Turning) -> dict[str, Any]:
    return {
        "folded": said.folded(sheet.lines),
        "split": said.split(sheet.lines),
        "remarks": said.remarks(sheet),
        "cautions": said.cautions(sheet, turn),
        "quality": said.quality(sheet),
        "chart": document(sheet, turn.links),
        "money": partial(said.money, sheet),
    }


async def _newest(request: Request, points: Placed, running: date) -> date:
    """The newest day of the meter; the running one where there is no meter."""
    day = await newest_metered(hub(request).store, points)
    return running if day is None else localday.day(day)
