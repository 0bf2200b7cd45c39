"""GET /export: every report of every unit as CSV, newest first, a day at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from wattledger.store import Store
from wattledger.store.rows import UsagePointRow
from wattledger.web.auth import User
from wattledger.web.climate import appliances, place
from wattledger.web.formats import cell
from wattledger.web.hub import hub
from wattledger.web.samples import Sample, samples

router = APIRouter(tags=["Air conditioners"])
HEADER = (
    "Timestamp,Device Name,Location,Delta kWh,Cumulative Wh,Humidity (%),Temperature (C),"
    "AC Mode,Fan Mode,24h Usage (kWh)"
)
DAY = timedelta(days=1)


@router.get("/export")
async def export(request: Request, person: User) -> StreamingResponse:
    """Download all reports of all units as CSV, newest first."""
    found = hub(request)
    now = found.clock.now()
    name = f"ac_data_{now:%Y%m%d_%H%M%S}.csv"
    points = await appliances(found.store, person.site)
    return StreamingResponse(
        lines(found.store, points, now + DAY),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def lines(store: Store, points: list[UsagePointRow], until: datetime) -> AsyncIterator[bytes]:
    """The file in pieces: memory holds one day of all units."""
    yield f"{HEADER}\r\n".encode()
    while (newest := await store.observations.newest(points, until)) is not None:
        until = min(until, newest + timedelta.resolution)
        start = until - DAY
        told: list[Sample] = []
        for point in points:
            told += await samples(store, point, start, until)
        if told:
            told.sort(key=lambda s: s.at, reverse=True)
            yield "".join(map(line, told)).encode()
        until = start


def line(sample: Sample) -> str:
    """One row; texts never become formulas, numbers stay as they are, unknown is empty."""
    told = sample.telemetry
    columns = [
        f"{sample.at:%Y-%m-%dT%H:%M:%S.%fZ}",
        cell(sample.point.name),
        cell(place(sample.point)),
        _number(sample.wh / 1000),
        _number(sample.register),
        _number(told.get("humidity_pct")),
        _number(told.get("temperature_c")),
        cell(str(told.get("mode") or "")),
        cell(str(told.get("fan_mode") or "")),
        _number(sample.rolling / 1000),
    ]
    return ",".join(columns) + "\r\n"


def _number(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
