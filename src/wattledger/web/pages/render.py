"""From a template and values to a page, in the frame with its counts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from wattledger.errors import LoginRequired
from wattledger.model import PointKind
from wattledger.store.people.people import Principal
from wattledger.web.alerts.wishes import wishes_of
from wattledger.web.hub import Hub, hub
from wattledger.web.pages import words
from wattledger.web.pages.static import address

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
SECTIONS = (
    ("today", "/today", "Today"),
    ("explorer", "/explorer", "Explorer"),
    ("meter", "/meter", "Meter"),
    ("car", "/car", "Car"),
    ("air", "/air-conditioners", "Air conditioners"),
    ("alerts", "/alerts", "Alerts"),
    ("sources", "/sources", "Sources"),
    ("files", "/files", "Raw files"),
    ("people", "/people", "People"),
    ("settings", "/settings", "Settings"),
)
TABS = frozenset({"today", "explorer", "meter", "sources"})
"""what a phone shows at its bottom; the others are under More"""


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, escaped by default; an unknown name is an error, not an empty place."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(words=words, address=address, state_dot=state_dot, one_day=timedelta(days=1))
    return env


def state_dot(state: str) -> Markup:
    """A payload's state as a coloured dot with its word for those who don't see it."""
    level = {"read": "good", "rejected": "bad"}.get(state, "caution")
    return Markup('<span class="dot {}" title="{}"></span>').format(level, state)


def html(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for anyone (sign-in, set-up, errors)."""
    text = environment().get_template(template).render(**values)
    return HTMLResponse(text, status)


async def page(
    request: Request, template: str, person: Principal, section: str, **values: Any
) -> HTMLResponse:
    """A page of a signed-in person, in the frame, with the counts of what needs a person."""
    found = hub(request)
    site = await found.store.sites.get(person.site)
    wishes = wishes_of(site.choices)
    alarms = [row for row in await found.store.alerts.open(person.site) if not wishes.mutes(row)]
    counts = {"alerts": len(alarms)}
    now = found.clock.now()
    shown = await sections(found, person, section)
    frame: dict[str, Any] = {"person": person, "site": site, "section": section, "sections": shown}
    frame["sites"] = await found.store.sites.of(person.user_id)
    return html(template, counts=counts, alarms=alarms, now=now, tabs=TABS, **frame, **values)


async def sections(found: Hub, person: Principal, section: str) -> list[tuple[str, str, str]]:
    """The sections of a site: cars and units only where there are some, or may be soon."""
    kinds = {point.kind for point in await found.store.points.list(person.site)}
    vendors = {row.connector for row in await found.store.connections.list(person.site)}
    here = {
        "car": PointKind.VEHICLE in kinds or "smartcar" in vendors,
        "air": PointKind.APPLIANCE in kinds or "smartthings" in vendors,
    }
    return [one for one in SECTIONS if one[0] == section or here.get(one[0], True)]


class PageRoute(APIRoute):
    """A page's route: who isn't signed in is led to the sign-in and back."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with LoginRequired turned into the way to the sign-in."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except LoginRequired:
                return sign_in_first(request)

        return handle


def sign_in_first(request: Request) -> Response:
    """To the sign-in, and afterwards back to this page."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(wanted, safe='')}" if request.method == "GET" and wanted != "/" else ""
    return RedirectResponse(f"/signin{back}", 303)
