"""POST /v1/usage-points/{id}/backfill: ask the vendor again for the days that are missing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from wattledger import localday
from wattledger.errors import Refused
from wattledger.model import Flow
from wattledger.store.rows import Gap, UsagePointRow
from wattledger.web.answers import Json
from wattledger.web.audited import note
from wattledger.web.auth import Manager
from wattledger.web.hub import Hub, hub
from wattledger.web.jsonbody import Body, described, json_body
from wattledger.web.trigger import TriggerFailed
from wattledger.web.v1 import shapes
from wattledger.web.v1.answered import answers
from wattledger.web.v1.points import find_point, gap_json

router = APIRouter(prefix="/v1/usage-points", tags=["Usage points"])
KEPT_DAYS = 730
"""SMT keeps 24 months: older days can't be asked for"""
NEAR_DAYS = 14
"""gaps closer than this are one request"""
MOST_REQUESTS = 6
SENT = "The relay was asked for the missing days; Smart Meter Texas delivers them within hours."
NOTHING = "Nothing is missing that Smart Meter Texas still keeps."
Days = tuple[date, date]


class Wish(Body):
    """Which local days to ask for, both ends included; the known gaps where none are named."""

    first_day: date | None = None
    last_day: date | None = None


@router.post(
    "/{id}/backfill",
    status_code=202,
    responses=answers(shapes.Backfill, 202, 200),
    openapi_extra=described(Wish),
)
async def backfill(
    request: Request, person: Manager, id: str, wish: Annotated[Wish, Depends(json_body(Wish))]
) -> Json:
    """Ask the relay for a meter's missing days; what comes arrives as payloads."""
    point, found = await find_point(request, person, id), hub(request)
    found.failures.check(f"backfill {point.id}")
    try:
        answer = await ask_for_gaps(found, point, wish.first_day, wish.last_day)
    except TriggerFailed as error:
        return Json(error.body, error.status)
    await note(request, person, "backfill.asked", f"usage_point:{point.id}", {"days": answer["days"]})
    return Json(answer, 202 if answer["asked"] else 200)


async def ask_for_gaps(
    found: Hub, point: UsagePointRow, first: date | None = None, last: date | None = None
) -> dict[str, Any]:
    """Send backfill requests for the gaps of a meter, the newest first. Raises Refused, TriggerFailed."""
    if point.connector != "smart_meter_texas":
        raise Refused("Only Smart Meter Texas meters can be asked again.", "NO_BACKFILL")
    gaps = await found.store.energy.gaps(point, Flow.DELIVERED)
    today = localday.day(localday.today(found.clock.now(), point.timezone))
    ranges = still_kept([_named(first, last)] if first or last else joined(gaps), today)
    said = [await _ask(found, point, days) for days in ranges[:MOST_REQUESTS]]
    return {
        "ok": True,
        "asked": bool(ranges),
        "message": SENT if ranges else NOTHING,
        "days": [{"start": a.isoformat(), "end": b.isoformat()} for a, b in ranges[:MOST_REQUESTS]],
        "gaps": [gap_json(gap) for gap in gaps],
        "relay": said,
    }


async def _ask(found: Hub, point: UsagePointRow, days: Days) -> Any:
    span = {"start": days[0].isoformat(), "end": days[1].isoformat()}
    request = {"kind": "backfill", "esiids": [point.external_id], **span}
    return await found.trigger({"reason": "smt_request", "esiid": point.external_id, "request": request})


def _named(first: date | None, last: date | None) -> Days:
    start, end = first or last, last or first
    assert start and end
    if start > end:
        raise Refused("first_day must not be after last_day.", "BAD_RANGE", "first_day", 422)
    return start, end


def joined(gaps: Iterable[Gap]) -> list[Days]:
    """Gaps (oldest first) as ranges of days, near ones in one."""
    ranges: list[Days] = []
    for gap in gaps:
        if ranges and gap.first_day - ranges[-1][1] <= timedelta(NEAR_DAYS):
            ranges[-1] = (ranges[-1][0], max(gap.last_day, ranges[-1][1]))
        else:
            ranges.append((gap.first_day, gap.last_day))
    return ranges


def still_kept(ranges: Iterable[Days], today: date) -> list[Days]:
    """The part of each range that SMT can still deliver, newest first."""
    oldest = today - timedelta(KEPT_DAYS)
    cut = [(max(first, oldest), min(last, today)) for first, last in ranges]
    return sorted((days for days in cut if days[0] <= days[1]), reverse=True)
