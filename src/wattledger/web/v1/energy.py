"""/v1/usage-points/{id}/energy: one query, four formats."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from wattledger.errors import Refused
from wattledger.store.rows import By
from wattledger.web import formats
from wattledger.web.auth import User
from wattledger.web.download import disposition
from wattledger.web.green_button import green_button
from wattledger.web.hub import hub
from wattledger.web.v1.period import period
from wattledger.web.v1.points import FlowName, find_point

router = APIRouter(prefix="/v1/usage-points", tags=["Energy"])
SHORT = 2_000
"""longer series are written in a thread, so that nobody else waits"""


class Format(StrEnum):
    """What an answer is written in."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    GREEN_BUTTON = "greenbutton"


WRITERS = {
    Format.JSON: (formats.as_json, "application/json", ""),
    Format.CSV: (formats.as_csv, "text/csv; charset=utf-8", ".csv"),
    Format.PARQUET: (formats.as_parquet, "application/vnd.apache.parquet", ".parquet"),
    Format.GREEN_BUTTON: (green_button, "application/atom+xml; charset=utf-8", ".xml"),
}


class Step(StrEnum):
    """The length of one value."""

    INTERVAL = "interval"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


assert {step.value for step in Step} == set(get_args(By))


@router.get("/{id}/energy")
async def energy(
    request: Request,
    person: User,
    id: str,
    start: str | None = None,
    end: str | None = None,
    by: Step = Step.DAY,
    flow: FlowName = FlowName.DELIVERED,
    format: Format = Format.JSON,
) -> Response:
    """Energy of one flow in kWh by quarter-hour, hour, day or month; null where nothing is known."""
    point, found = await find_point(request, person, id), hub(request)
    step: By = by.value
    if format is Format.GREEN_BUTTON and by is Step.MONTH:
        raise Refused("Green Button knows quarter-hours, hours and days.", "BAD_FORMAT", "by")
    span = period(point, step, start, end, found.clock.now())
    series = await found.store.energy.series(point, flow.flow, span.start, span.end, step)
    write, mime, suffix = WRITERS[format]
    question = formats.Question(point, flow.flow, step, found.clock.now())
    headers = {"content-disposition": disposition(question.filename(span.start) + suffix)} if suffix else {}
    long = len(series) > SHORT
    body = await asyncio.to_thread(write, question, series) if long else write(question, series)
    return Response(body, media_type=mime, headers=headers)
