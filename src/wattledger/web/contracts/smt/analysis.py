"""GET /api/admin/analysis/{daily-summary,intervals}: days and quarter-hours of meters, in true local days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, Request

from wattledger import localday, units
from wattledger.errors import Refused
from wattledger.model import Flow
from wattledger.store.rows import SeriesPoint, UsagePointRow
from wattledger.web.answers import Denied, Json
from wattledger.web.contracts.smt import fields
from wattledger.web.guards import guards
from wattledger.web.hub import Hub, hub
from wattledger.web.machine import ADMIN, check
from wattledger.web.parameters import bounded

ZONE = "America/Chicago"
MOST_ROWS = 100_000
BAD_RANGE = {"ok": False, "error": "Invalid dateStart/dateEnd"}


@guards("admin")
async def require_analyst(request: Request) -> None:
    """The admin token, refused in these routes' own words. Raises Denied."""
    check(request, ADMIN, denied={"ok": False, "error": "unauthorized"})


router = APIRouter(
    prefix="/api/admin/analysis", tags=["Smart Meter Texas"], dependencies=[Depends(require_analyst)]
)


@router.get("/daily-summary")
async def daily_summary(
    request: Request,
    esiid: str | None = None,
    meter: str | None = None,
    dateStart: str | None = None,  # noqa: N803
    dateEnd: str | None = None,  # noqa: N803
) -> Json:
    """Count each meter's readings per Chicago day: 92, 96 or 100 are expected."""
    found = hub(request)
    today = localday.today(found.clock.now(), ZONE)
    first, end = _day(dateStart, today - 7), _end(dateEnd, today + 1)
    points = await _meters(found, esiid, meter)
    if not first < end or (end - first) * max(1, len(points)) > MOST_ROWS:
        raise Denied(400, BAD_RANGE)
    rows = [row for point in points for row in await _days(found, point, first, end)]
    limits = {"start": localday.start(first, ZONE), "end": localday.start(end, ZONE), "zone": ZONE}
    meta = {"filters": {"esiid": esiid, "meter": meter}, "range": limits, "table": '"SmtInterval"'}
    return Json({"ok": True, "rows": rows, "meta": meta})


async def _meters(found: Hub, esiid: str | None, meter: str | None) -> list[UsagePointRow]:
    wanted = fields.esiid(esiid) if esiid else None
    points = [p for p in await found.store.points.list(None) if p.connector == "smart_meter_texas"]
    points = [p for p in points if wanted in (None, p.external_id) and meter in (None, "", _label(p))]
    return sorted(points, key=lambda p: p.external_id)


def _label(point: UsagePointRow) -> str:
    return point.details.get("meter", "M1")


async def _days(found: Hub, point: UsagePointRow, first: int, end: int) -> list[dict[str, Any]]:
    days = await found.store.energy.series(
        point, Flow.DELIVERED, localday.start(first, ZONE), localday.start(end, ZONE), "day"
    )
    return [
        {
            "date": localday.day(first + i).isoformat(),
            "esiid": point.external_id,
            "meter": _label(point),
            "found": day.found,
            "expected": day.expected,
            "completeness": round(day.found / day.expected, 4),
        }
        for i, day in enumerate(days)
    ]


@router.get("/intervals")
async def intervals(
    request: Request,
    esiid: str | None = None,
    meter: str | None = None,
    date: str | None = None,
    tz: str = ZONE,
    limit: str | None = None,
) -> Json:
    """List one meter's quarter-hours of one local day, at their UTC instants."""
    found = hub(request)
    if not esiid:
        raise Refused("Name the meter: esiid=...", "MISSING_KEYS", "esiid")
    point = await found.store.points.by_external(fields.esiid(esiid))
    n, most = _wanted_day(date), bounded("limit", limit, 1000, 1000)
    localday.zone(tz)
    slots = await found.store.energy.series(
        point, Flow.DELIVERED, localday.start(n, tz), localday.start(n + 1, tz), "interval"
    )
    known = [slot for slot in slots if slot.wh is not None]
    return Json(
        {
            "ok": True,
            "tzBuild": version("tzdata"),
            "esiid": point.external_id,
            "meter": meter or _label(point),
            "tz": tz,
            "date": localday.day(n).isoformat(),
            "expected": localday.slots(n, tz),
            "actual": len(known),
            "missing": localday.slots(n, tz) - len(known),
            "kwhTotal": units.kwh(sum(slot.wh or 0 for slot in known)),
            "filledCount": 0,
            "points": [_point(slot) for slot in known[:most]],
        }
    )


def _point(slot: SeriesPoint) -> dict[str, Any]:
    return {
        "ts": slot.start,
        "kwh": units.kwh(slot.wh or 0),
        "filled": False,
        "source": "smt",
        "quality": slot.quality,
    }


def _wanted_day(text: str | None) -> int:
    if not text:
        raise Refused("Name the day: date=YYYY-MM-DD.", "MISSING_DATE", "date")
    try:
        return _checked(date.fromisoformat(text))
    except ValueError:
        raise Refused("date must be a day such as 2025-11-17.", "BAD_DATE", "date") from None


def _day(text: str | None, default: int) -> int:
    """The Chicago day of an ISO date or instant. Raises Denied with the contract's words."""
    return default if not text else _instant_day(text, timedelta(0))


def _end(text: str | None, default: int) -> int:
    """The first Chicago day that is out: of an instant within a day, the next one."""
    return default if not text else _instant_day(text, timedelta(microseconds=1))


def _instant_day(text: str, back: timedelta) -> int:
    try:
        if len(text) == 10:
            return _checked(date.fromisoformat(text))
        when = datetime.fromisoformat(text.replace(" ", "+"))
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
        _checked(when.date())
        return localday.locate(when - back, ZONE)[0] + (1 if back else 0)
    except (ValueError, OverflowError):
        raise Denied(400, BAD_RANGE) from None


def _checked(day: date) -> int:
    if not 2000 <= day.year < 2100:
        raise ValueError("out of range")
    return localday.number(day)
