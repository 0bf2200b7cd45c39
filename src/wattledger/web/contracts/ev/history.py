"""GET /v1/ev/me/telemetry/history: what a car said over the last days, oldest first, a page at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request

from wattledger.errors import Refused
from wattledger.secrets import SecretUnreadable
from wattledger.store import Store
from wattledger.store.observed.observations import ObservationRow
from wattledger.web.answers import Json
from wattledger.web.auth import User
from wattledger.web.contracts.ev import shapes
from wattledger.web.contracts.ev.cars import Car, chosen, keeps_location
from wattledger.web.contracts.ev.reading import NAMES, values_json
from wattledger.web.hub import hub
from wattledger.web.parameters import bounded
from wattledger.web.v1.answered import answers

router = APIRouter(tags=["Cars"])
DAYS, MOST_DAYS = 7, 366
PAGE, MOST_PAGE = 1000, 5000
LEAST_ROWS = 500
"""read at once; a moment never has as many"""
TICK = timedelta(microseconds=1)
Place = tuple[float, float]


@router.get("/v1/ev/me/telemetry/history", responses=answers(shapes.History))
async def history(
    request: Request,
    person: User,
    days: str | None = None,
    vehicle_id: str | None = None,
    limit: str | None = None,
    after: str | None = None,
) -> Json:
    """List what the primary car, or another, said over the last days (7; 1 to 366), oldest first."""
    found = hub(request)
    span = timedelta(days=bounded("days", days, DAYS, MOST_DAYS))
    most = bounded("limit", limit, PAGE, MOST_PAGE)
    now = found.clock.now()
    start = now - span
    if after:
        start = max(start, _instant(after) + TICK)
    car = await chosen(found, person.site, vehicle_id)
    listed, more = await page(found.store, car, start, now + TICK, most)
    following = listed[-1]["recorded_at"].isoformat().replace("+00:00", "Z") if more else None
    return Json({"vehicle_id": car.row.id, "telemetry": listed, "next": following})


async def page(
    store: Store, car: Car, start: datetime, end: datetime, most: int
) -> tuple[list[dict[str, Any]], bool]:
    """Up to `most` moments of [start, end), and whether there are more."""
    point = await store.points.get(car.row.id, car.row.site)
    listed: list[dict[str, Any]] = []
    size = max(2 * most, LEAST_ROWS)
    while start < end and len(listed) <= most:
        rows = await store.observations.list(point, start, end, limit=size)
        whole = rows if len(rows) < size else _without_last_moment(rows)
        listed += _moments(store, car, whole)
        start = whole[-1].at + TICK if len(rows) > len(whole) else end
    return listed[:most], len(listed) > most


def _without_last_moment(rows: list[ObservationRow]) -> list[ObservationRow]:
    """What was cut at the page's end may lack a part of its last moment."""
    return [row for row in rows if row.at < rows[-1].at] or rows


def _moments(store: Store, car: Car, rows: list[ObservationRow]) -> list[dict[str, Any]]:
    """What was said of one instant, by whichever payloads, is one moment."""
    found: dict[datetime, tuple[dict[str, Any], Place | None]] = {}
    for row in rows:
        values, place = found.get(row.at, ({}, None))
        values.update({name: row.values[name] for name in NAMES if name in row.values})
        found[row.at] = (values, _place(store, car, row) or place)
    return [values_json(at, *said) for at, said in found.items() if said[0] or said[1]]


def _place(store: Store, car: Car, row: ObservationRow) -> Place | None:
    if not keeps_location(car.row):
        return None
    try:
        private = store.observations.open(row)
    except SecretUnreadable:
        return None
    inside = "latitude" in private and "longitude" in private
    return (private["latitude"], private["longitude"]) if inside else None


def _instant(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text.replace(" ", "+"))
        if when.tzinfo is None or not 1990 <= when.year < 2100:
            raise ValueError(text)
        return when.astimezone(UTC)
    except (ValueError, OverflowError):
        sentence = "after is the `next` of the page before: an instant with its offset."
        raise Refused(sentence, "INVALID_PARAMETER", "after") from None
