"""POST /v1/usage-points/{id}/backfill: ask the vendor again for the days that are missing."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from wattledger.errors import Refused
from wattledger.model import Flow
from wattledger.store.rows import Gap, UsagePointRow
from wattledger.web.answers import Json
from wattledger.web.auth import Owner
from wattledger.web.hub import Hub, hub
from wattledger.web.jsonbody import Body, described, json_body
from wattledger.web.trigger import TriggerFailed
from wattledger.web.v1.payloads import actor
from wattledger.web.v1.points import find_point, gap_json

router = APIRouter(prefix="/v1/usage-points", tags=["Usage points"])


class Wish(Body):
    """Which local days to ask for, both ends included; the known gaps where none are named."""

    first_day: date | None = None
    last_day: date | None = None


@router.post("/{id}/backfill", status_code=202, openapi_extra=described(Wish))
async def backfill(
    request: Request, person: Owner, id: str, wish: Annotated[Wish, Depends(json_body(Wish))]
) -> Json:
    """Ask the relay for a meter's missing days; what comes arrives as payloads."""
    point, found = await find_point(request, person, id), hub(request)
    found.failures.check(f"backfill {point.id}")
    try:
        answer = await ask_for_gaps(found, point, wish.first_day, wish.last_day)
    except TriggerFailed as error:
        return Json(error.body, error.status)
    days = {"days": answer.get("days")}
    await found.store.audit.record(None, actor(person), "backfill.asked", f"usage_point:{point.id}", days)
    return Json(answer, 202 if answer["asked"] else 200)


async def ask_for_gaps(
    found: Hub, point: UsagePointRow, first: date | None = None, last: date | None = None
) -> dict[str, Any]:
    """Send one backfill request for the gaps of a meter. Raises Refused, TriggerFailed."""
    if point.connector != "smart_meter_texas":
        raise Refused("Only Smart Meter Texas meters can be asked again.", "NO_BACKFILL")
    gaps: list[Gap] = list(await found.store.energy.gaps(point, Flow.DELIVERED, None, None))
    start = first or min((gap.first_day for gap in gaps), default=None)
    end = last or max((gap.last_day for gap in gaps), default=None)
    if start is None or end is None:
        return {"ok": True, "asked": False, "message": "Nothing is missing.", "gaps": []}
    if start > end:
        raise Refused("first_day must not be after last_day.", "BAD_RANGE", "first_day", 422)
    days = {"start": start.isoformat(), "end": end.isoformat()}
    request = {"kind": "backfill", "esiids": [point.external_id], **days}
    said = await found.trigger({"reason": "smt_request", "esiid": point.external_id, "request": request})
    listed = [gap_json(gap) for gap in gaps]
    return {"ok": True, "asked": True, "message": _SENT, "days": days, "gaps": listed, "relay": said}


_SENT = "The relay was asked for the missing days; Smart Meter Texas delivers them within hours."
