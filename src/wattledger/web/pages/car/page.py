"""Cars side by side, their week, their charging sessions; and what an owner says of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from wattledger import localday
from wattledger.charging import Seen
from wattledger.errors import NotFound, Refused, WattledgerError
from wattledger.insight.session import Session
from wattledger.insight.sessions import between
from wattledger.model import Flow, PointKind
from wattledger.secrets import SecretUnreadable
from wattledger.store.observed.observations import Said
from wattledger.store.people.principal import Principal
from wattledger.store.people.sites import Home
from wattledger.store.rows import UsagePointRow
from wattledger.web import forms
from wattledger.web.auth import Manager, User, actor
from wattledger.web.charging import home, read
from wattledger.web.contracts.ev.cars import Car, cars
from wattledger.web.hub import Hub, hub
from wattledger.web.pages.car import view
from wattledger.web.pages.car_words import car_sources
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.parameters import public_id
from wattledger.web.v1.calendar import new_address

router = APIRouter(route_class=PageRoute, include_in_schema=False)
LISTED = timedelta(days=31)


@router.get("/car", summary="Cars side by side")
async def car(request: Request, person: User, car: str = "") -> Response:
    """Every car, and the sessions of the chosen one (by default the first)."""
    return await car_page(request, person, car)


async def car_page(
    request: Request,
    person: Principal,
    chosen: str = "",
    said: str = "",
    well: bool = True,
    calendar: str | None = None,
) -> Response:
    """The page, with a sentence about what was just done."""
    found = hub(request)
    now = found.clock.now()
    points = await _points(found, person.site)
    if chosen and chosen not in {point.id for point, _ in points}:
        raise NotFound("There is no such car.")
    latest = await found.store.observations.latest([point for point, _ in points])
    first = chosen or (points[0][0].id if points else "")
    panels, listed = [], list[Session]()
    for point, row in points:
        told = latest.get(point.n, {})
        since = now - (LISTED if point.id == first else view.WEEK)
        sessions, seen = await read(found.store, point, since, now + timedelta(seconds=1))
        panels.append(await _panel(found, point, row, told, sessions, seen, now))
        listed = sessions if point.id == first else listed
    values = {
        "panels": panels,
        "chosen": next((p for p in panels if p.point.id == first), None),
        "sessions": [*reversed(listed)],
        "sources": (await car_sources(found, person.site)).sources,
        "home": await home(found.store, person.site),
        "total": sum(p.charged_wh for p in panels),
        "said": said,
        "well": well,
        "calendar": calendar,
        "since": since_day(now, person, points),
    }
    return await page(request, "car.html", person, "car", **values)


def since_day(now: datetime, person: Principal, points: list[tuple[UsagePointRow, Car | None]]) -> str:
    """The first local day of the listed sessions, for the link to the CSV."""
    tz = points[0][0].timezone if points else "UTC"
    return localday.day(localday.today(now - LISTED, tz)).isoformat()


async def _points(found: Hub, site: str) -> list[tuple[UsagePointRow, Car | None]]:
    """Every vehicle, those that are linked first, in their order."""
    known = {point.id: point for point in await found.store.points.list(site)}
    linked = [(known[one.row.id], one) for one in await cars(found.store, site) if one.row.id in known]
    there = {point.id for point, _ in linked}
    others = [p for p in known.values() if p.kind == PointKind.VEHICLE and p.id not in there]
    return [*linked, *((point, None) for point in others)]


async def _panel(
    found: Hub,
    point: UsagePointRow,
    row: Car | None,
    told: Mapping[str, Said],
    sessions: list[Session],
    seen: list[Seen],
    now: datetime,
) -> view.Panel:
    level, age = view.freshness(told, now)
    last = next((one.home for one in reversed(seen) if one.home is not None), None)
    first = localday.start(localday.today(now, point.timezone) - 6, point.timezone)
    until = localday.start(localday.today(now, point.timezone) + 1, point.timezone)
    days = await found.store.energy.series(point, Flow.DELIVERED, first, until, "day")
    week = view.week(seen, between(sessions, first, now), point.timezone, now)
    calls = view.calls_left(row, found.settings.smartcar_monthly_calls, now)
    charged = sum(day.wh or 0 for day in days)
    place = view.PLACES[last]
    return view.Panel(point, row, told, view.doing(told), place, level, age, calls, week, charged)


@router.post("/car/{id}/location", summary="Keep a car's location, or not")
async def location(request: Request, person: Manager, id: str) -> Response:
    """From now on; what was kept before stays sealed."""
    keep = forms.wanted(await forms.fields(request), "keep") == "on"
    await _choose(request, person, id, {"location": keep})
    told = "Its location is kept from now on." if keep else "Its location is not asked for any more."
    return await car_page(request, person, id, told)


@router.post("/car/{id}/battery", summary="Say what a car's battery holds")
async def battery(request: Request, person: Manager, id: str) -> Response:
    """Its capacity and the charging efficiency; energy by the state of charge is found anew."""
    values = await forms.fields(request)
    try:
        capacity = _number(values.get("capacity_kwh", ""), "The capacity", 1, 500, "kWh")
        share = _number(values.get("efficiency", ""), "The efficiency", 50, 100, "%")
        changes = {"capacity_kwh": capacity, "efficiency": 0.9 if share is None else share / 100}
        await _choose(request, person, id, changes)
    except Refused as error:
        return await car_page(request, person, id, str(error), False)
    return await car_page(request, person, id, "Saved; energy by the state of charge was found anew.")


@router.post("/car/{id}/calendar", summary="Make a calendar address of a car's sessions")
async def calendar(request: Request, person: User, id: str) -> Response:
    """An address for a calendar, shown on this answer only."""
    return await car_page(request, person, id, calendar=await new_address(request, person, id))


@router.post("/car/{id}/home", summary="Home is where a car is now")
async def set_home(request: Request, person: Manager, id: str) -> Response:
    """The site's home from the car's newest position; energy is found anew."""
    store = hub(request).store
    try:
        point = await store.points.get(public_id(id, "vehicle"), person.site)
        values = await forms.fields(request)
        radius = _number(values.get("radius_m", ""), "The radius", 20, 5000, "metres")
        here = await store.observations.position(point)
        if here is None:
            raise Refused("No position of this car is known yet.", "NO_POSITION", status=409)
        await store.sites.set_home(
            person.site, Home(here.latitude, here.longitude, radius or 150.0), actor(person)
        )
    except SecretUnreadable as error:
        return await car_page(request, person, id, str(error), False)
    except NotFound:
        raise
    except WattledgerError as error:
        return await car_page(request, person, id, str(error), False)
    return await car_page(request, person, id, "Home is where this car was last seen.")


@router.post("/car/home/forget", summary="Forget where home is")
async def forget_home(request: Request, person: Manager) -> Response:
    """Without a home nothing is booked, but by a car's own word."""
    await hub(request).store.sites.set_home(person.site, None, actor(person))
    return await car_page(request, person, said="Where home is was forgotten.")


async def _choose(request: Request, person: Principal, id: str, changes: Mapping[str, object]) -> None:
    vehicles = hub(request).store.vehicles
    await vehicles.set_options(public_id(id, "vehicle"), person.site, changes, actor(person))


def _number(text: str, what: str, least: float, most: float, unit: str) -> float | None:
    """A number of a form, None for an empty field. Raises Refused."""
    if not text.strip():
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise Refused(f"{what} is {least:g} to {most:g} {unit}.", "BAD_NUMBER", status=422)
    return value
