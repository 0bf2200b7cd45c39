"""/v1/usage-points/{id}/sessions: a car's charging sessions, as JSON or CSV."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from wattledger.errors import NotFound, Refused
from wattledger.insight.session import Session
from wattledger.model import PointKind
from wattledger.units import kwh, kwh_text
from wattledger.web.answers import Json
from wattledger.web.auth import User
from wattledger.web.charging import sessions_of
from wattledger.web.download import disposition
from wattledger.web.formats import cell
from wattledger.web.hub import hub
from wattledger.web.v1 import session_shapes as shapes
from wattledger.web.v1.answered import answers
from wattledger.web.v1.period import period
from wattledger.web.v1.points import find_point

router = APIRouter(prefix="/v1/usage-points", tags=["Cars"])
MOST = timedelta(days=400)
COLUMNS = (
    "vehicle", "start", "end", "plugged_in", "plugged_out", "kwh", "method", "place", "booked_kwh",
    "soc_from", "soc_to", "peak_kw", "segments", "evidence",
)  # fmt: skip


class Format(StrEnum):
    """What an answer is written in."""

    JSON = "json"
    CSV = "csv"


@router.get("/{id}/sessions", responses=answers(shapes.Sessions, media=["text/csv"]))
async def sessions(
    request: Request,
    person: User,
    id: str,
    start: str | None = None,
    end: str | None = None,
    format: Format = Format.JSON,
) -> Response:
    """List a car's charging sessions that touch a period, oldest first; by default the last 31 days."""
    point, found = await find_point(request, person, id), hub(request)
    if point.kind != PointKind.VEHICLE:
        raise NotFound("Only vehicles have charging sessions.")
    span = period(point, "day", start, end, found.clock.now())
    if span.end - span.start > MOST:
        raise Refused(f"Ask for at most {MOST.days} days at once.", "BAD_RANGE", "start")
    listed = await sessions_of(found.store, point, span.start, span.end)
    if format is Format.JSON:
        head = {"unit": "kWh", "timezone": point.timezone}
        return Json({**head, "sessions": [session_json(one) for one in listed]})
    name = disposition(f"sessions_{point.name}_{span.start:%Y-%m-%d}.csv")
    headers = {"content-disposition": name}
    return Response(as_csv(point.name, listed), media_type="text/csv; charset=utf-8", headers=headers)


def session_json(one: Session) -> dict[str, Any]:
    """A session as JSON; energy in kWh."""
    segments = [
        {"start": s.start, "end": s.end, "kwh": _kwh(s.wh), "method": s.method.value} for s in one.segments
    ]
    return {
        "start": one.start,
        "end": one.end,
        "plugged_in": one.plugged_in,
        "plugged_out": one.plugged_out,
        "going_on": one.going_on,
        "kwh": _kwh(one.wh),
        "method": one.method.value,
        "place": one.place.value,
        "booked_kwh": _kwh(one.booked_wh),
        "soc_from": _number(one.soc_from),
        "soc_to": _number(one.soc_to),
        "peak_kw": _number(one.peak_kw),
        "segments": segments,
        "evidence": list(one.evidence),
    }


def as_csv(vehicle: str, listed: list[Session]) -> bytes:
    """One row a session; empty where nothing is known, texts never formulas."""
    lines = [",".join(COLUMNS)]
    for one in listed:
        instants = [_instant(t) for t in (one.start, one.end, one.plugged_in, one.plugged_out)]
        energy = ["" if one.wh is None else kwh_text(round(one.wh)), one.method.value, one.place.value]
        figures = ["" if n is None else f"{_number(n):g}" for n in (one.soc_from, one.soc_to, one.peak_kw)]
        told = [str(len(one.segments)), cell(" ".join(one.evidence))]
        booked = kwh_text(round(one.booked_wh))
        lines.append(",".join([cell(vehicle), *instants, *energy, booked, *figures, *told]))
    return ("\r\n".join(lines) + "\r\n").encode()


def _kwh(wh: Decimal | None) -> float | None:
    return None if wh is None else kwh(round(wh))


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _instant(when: datetime | None) -> str:
    return "" if when is None else f"{when:%Y-%m-%dT%H:%M:%SZ}"
