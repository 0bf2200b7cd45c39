"""Air conditioners: units side by side, what each used and does now, and the reports behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from wattledger import localday
from wattledger.errors import NotFound
from wattledger.store.people.sites import SiteRow
from wattledger.store.rows import SeriesPoint
from wattledger.web.auth import User
from wattledger.web.climate import DAY, Unit, units
from wattledger.web.climate_day import Recent, recent
from wattledger.web.hub import Hub, hub
from wattledger.web.pages import words
from wattledger.web.pages.air.drawing import Drawing, draw
from wattledger.web.pages.connected import sources
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.samples import Sample, samples

router = APIRouter(route_class=PageRoute, include_in_schema=False)
STALE = timedelta(minutes=15)
MOST_REPORTS = 60
HIGH = 56
"""height of the highest bar, in units of the drawing"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of a unit as it is drawn."""

    x: int
    y: float
    height: float
    look: str
    says: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One unit as it is shown."""

    unit: Unit
    bars: list[Bar]
    drawing: Drawing | None
    """the last 24 hours, None where nothing is known of them"""
    ran: str
    doing: str
    level: str
    """good, caution or bad: of its data"""
    age: str


@router.get("/air-conditioners", summary="Air conditioners side by side")
async def air(request: Request, person: User, unit: str = "") -> Response:
    """Every unit; with `unit` (a usage point's id) its reports of the last 24 hours too."""
    found = hub(request)
    site = await found.store.sites.get(person.site)
    now = found.clock.now()
    listed = await units(found.store, site.id, site.timezone, now)
    most = max((h.wh or 0 for u in listed for h in u.hours), default=0)
    values = {
        "panels": [panel(u, most, site.timezone, now, await _recent(found, site, u)) for u in listed],
        "sources": await sources(found, site.id),
        "today": sum(u.today for u in listed),
        "rolling": sum(u.rolling for u in listed),
        "chosen": unit,
        "reports": await _reports(found, listed, unit, now) if unit else [],
    }
    return await page(request, "air.html", person, "air", **values)


async def _reports(found: Hub, listed: list[Unit], id: str, now: datetime) -> list[Sample]:
    for unit in listed:
        if unit.point.id == id:
            told = await samples(found.store, unit.point, now - DAY, now + DAY)
            return told[:MOST_REPORTS]
    raise NotFound("There is no such unit.")


async def _recent(found: Hub, site: SiteRow, unit: Unit) -> Recent:
    """The last 24 hours, and the local day so far where that is longer (on the day of 25 hours)."""
    now = found.clock.now()
    midnight = localday.start(localday.today(now, site.timezone), site.timezone)
    return await recent(found.store, unit, min(midnight, now - DAY), now)


def panel(unit: Unit, most: int, zone: str, now: datetime, seen: Recent) -> Panel:
    """A unit ready to be shown; `most` is the highest hour of all units, Wh."""
    drawn = [bar(i, hour, most, zone) for i, hour in enumerate(unit.hours)]
    level, age = freshness(unit, now)
    return Panel(unit, drawn, draw(seen, zone), ran(unit, seen, zone, now), doing(unit), level, age)


def ran(unit: Unit, seen: Recent, zone: str, now: datetime) -> str:
    """How long it ran today: by what it said, else about, by its energy."""
    told = seen.ran(localday.start(localday.today(now, zone), zone))
    if told is not None:
        return words.length(told) if told else "not at all"
    return f"about {words.length(unit.running)}" if unit.running else "not at all"


def bar(index: int, hour: SeriesPoint, most: int, zone: str) -> Bar:
    """One hour: a gap where nothing is known, lighter where it was spread over a long silence."""
    when = f"{words.clock(hour.start, zone)} to {words.clock(hour.end, zone)}"
    if hour.wh is None:
        return Bar(index * 10, 0, HIGH, "unknown", f"{when}: not known")
    height = round(HIGH * hour.wh / most, 2) if most else 0.0
    look = "derived" if hour.quality == "derived" else "known"
    told = f"{when}: {words.kwh(hour.wh)} kWh" + (", spread over a silence" if look == "derived" else "")
    return Bar(index * 10, HIGH - height, height, look, told)


def doing(unit: Unit) -> str:
    """What a unit does now, in words: `Cooling, fan auto`, `Off`, or what it measures."""
    if unit.value("switch") == "off":
        return "Off"
    mode, fan = unit.value("mode"), unit.value("fan_mode")
    parts = [{"cool": "Cooling", "heat": "Heating", "dry": "Drying"}.get(str(mode), str(mode).capitalize())]
    parts = parts if mode else ["On" if unit.value("switch") == "on" else "Measured"]
    return ", ".join([*parts, f"fan {fan}"] if fan else parts)


def freshness(unit: Unit, now: datetime) -> tuple[str, str]:
    """How good and how old what a unit says is."""
    if unit.newest is None:
        return "caution", "Nothing heard yet"
    age = words.age(unit.newest, now)
    if unit.offline:
        return "bad", f"Offline, last heard {age}"
    return ("caution" if now - unit.newest > STALE else "good"), f"Heard {age}"
