"""/v1/usage-points/{id}/sessions.ics: a car's finished sessions for a calendar, at an address of its own.

Calendars send no headers, so the address holds a word that is good for this feed alone. It is kept as a
digest, ends when its person revokes it or leaves the site, and is listed among their API tokens.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from wattledger.errors import LoginRequired, NotFound
from wattledger.model import PointKind
from wattledger.store.people.principal import Principal
from wattledger.store.rows import UsagePointRow
from wattledger.web import ics
from wattledger.web.answers import Json
from wattledger.web.auth import User, current, require_user
from wattledger.web.charging import sessions_of
from wattledger.web.guards import guards
from wattledger.web.hub import hub
from wattledger.web.v1 import session_shapes as shapes
from wattledger.web.v1.answered import answers
from wattledger.web.v1.points import find_point

router = APIRouter(prefix="/v1/usage-points", tags=["Cars"])
REACH = timedelta(days=366)
"""how far back a feed goes"""
LONGEST_KEY = 100
LONGEST_NAME = 80


@guards("feed")
async def require_feed(
    request: Request, id: str, key: Annotated[str | None, Query(max_length=LONGEST_KEY)] = None
) -> Principal:
    """The person whose feed it is: by the address's key, else as on every route. Raises LoginRequired."""
    if key is None:
        return await require_user(await current(request))
    found = hub(request)
    person = await found.store.people.principal_for_api_token(key, found.clock.now(), purpose(id))
    if person is None:
        raise LoginRequired("This calendar address is not valid (any more); make a new one.")
    return person


Feed = Annotated[Principal, Depends(require_feed)]


def purpose(id: str) -> str:
    """What a car's calendar address is good for."""
    return f"sessions.ics {id}"


@router.get("/{id}/sessions.ics", responses=answers(media=[ics.MEDIA]))
async def feed(request: Request, person: Feed, id: str) -> Response:
    """Give a car's finished charging sessions of the last year as an iCalendar feed."""
    point, found = await vehicle(request, person, id), hub(request)
    now = found.clock.now()
    listed = await sessions_of(found.store, point, now - REACH, now)
    body = ics.calendar(point.id, point.name, listed)
    return Response(body, media_type=f"{ics.MEDIA}; charset=utf-8")


@router.post("/{id}/calendar", status_code=201, responses=answers(shapes.Calendar, 201))
async def make(request: Request, person: User, id: str) -> Json:
    """Make a calendar address for a car; the answer is the only place where it is shown."""
    return Json({"address": await new_address(request, person, id)}, 201)


async def new_address(request: Request, person: Principal, id: str) -> str:
    """A new address of a car's feed for this person. Raises NotFound."""
    point, found = await vehicle(request, person, id), hub(request)
    name = "Calendar of " + "".join(c for c in point.name if c.isprintable())[:LONGEST_NAME]
    word = await found.store.people.api_token(person.email, name, person.site, purpose=purpose(point.id))
    return f"{found.base_url(request)}/v1/usage-points/{point.id}/sessions.ics?key={word}"


async def vehicle(request: Request, person: Principal, id: str) -> UsagePointRow:
    """A car of the person's site. Raises NotFound."""
    point = await find_point(request, person, id)
    if point.kind != PointKind.VEHICLE:
        raise NotFound("Only vehicles have charging sessions.")
    return point
