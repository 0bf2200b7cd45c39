"""GET /history: the reports of one unit, newest first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request

from wattledger.web.answers import Denied, Json
from wattledger.web.auth import User
from wattledger.web.climate import appliances
from wattledger.web.contracts.ac.dashboard import kwh, matches, tenth
from wattledger.web.hub import hub
from wattledger.web.samples import Sample, samples

router = APIRouter(tags=["Air conditioners"])
DEFAULT_HOURS, MOST_HOURS = 24, 168
AHEAD = timedelta(days=1)


@router.get("/history")
async def history(
    request: Request,
    person: User,
    deviceName: str | None = None,  # noqa: N803
    deviceId: str | None = None,  # noqa: N803
    location: str | None = None,
    hours: str | None = None,
) -> Json:
    """List the reports of a unit, by name or id, over the last hours (24, at most 168), newest first."""
    if not deviceName and not deviceId:
        raise Denied(400, {"error": "deviceName is required"})
    found = hub(request)
    now = found.clock.now()
    start = now - timedelta(hours=span(hours))
    listed: list[Sample] = []
    for point in await appliances(found.store, person.site):
        own = point.details.get("device_id", point.external_id)
        if matches(point.details, own, deviceId, location) and deviceName in (None, "", point.name):
            listed += await samples(found.store, point, start, now + AHEAD)
    return Json([_row(s) for s in sorted(listed, key=lambda s: s.at, reverse=True)])


def span(text: str | None) -> int:
    """Hours: 24 for what is no whole positive number, at most 168."""
    try:
        hours = int(text) if text and len(text) < 20 else 0
    except ValueError:
        hours = 0
    return min(hours, MOST_HOURS) if hours > 0 else DEFAULT_HOURS


def _row(sample: Sample) -> dict[str, Any]:
    told = sample.telemetry
    return {
        "timestamp": sample.at,
        "deltaKWh": float(sample.wh) / 1000,
        "cumulativeWh": sample.register,
        "humidity": tenth(told.get("humidity_pct")),
        "temperatureC": tenth(told.get("temperature_c")),
        "airConditionerMode": told.get("mode"),
        "fanMode": told.get("fan_mode"),
        "deviceId": sample.point.details.get("device_id", sample.point.external_id),
        "component": sample.point.details.get("component", "main"),
        "verdict": sample.verdict,
        "rolling24hKWh": kwh(float(sample.rolling)),
    }
