"""GET /v1/ev/me/telemetry/latest: the newest values of a car; asks the car first where that is due."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request

from wattledger.errors import LoginRequired, Misconfigured, TryLater, WattledgerError
from wattledger.store.sources.connections import ConnectionRow
from wattledger.web.answers import Denied, Json
from wattledger.web.auth import User
from wattledger.web.contracts.ev import shapes
from wattledger.web.contracts.ev.cars import Car, chosen, missing_of, reached, trouble_of
from wattledger.web.contracts.ev.reading import aged, newest, place_of, reading
from wattledger.web.hub import Hub, hub
from wattledger.web.v1.answered import answers, problem

router = APIRouter(tags=["Cars"])
STOPPED = ("needs_login", "misconfigured", "disconnected")
FAILED: dict[int | str, dict[str, Any]] = {
    502: problem("The car was due to be asked, and that failed; `last` is what is known.")
}
REASONS = {
    "interval": "interval",
    "budget": "budget",
    "asleep": "asleep",
    "vendor": "vendor_pause",
    "trouble": "trouble",
}
"""by what the connector notes of a car"""
RESPITE = 60.0
"""seconds between two tries for a car that has never said anything"""


@router.get("/v1/ev/me/telemetry/latest", responses={**answers(shapes.Telemetry), **FAILED})
async def latest(request: Request, person: User, vehicle_id: str | None = None) -> Json:
    """Show charge, charging and place of the primary car, or of another; asks it where that is due."""
    found = hub(request)
    car = await chosen(found, person.site, vehicle_id)
    try:
        reason = await _asked(found, car)
    except WattledgerError as error:
        raise await _failed(found, car, error) from None
    now_known = await reached(found.store, await found.store.vehicles.get(car.row.id, car.row.site))
    return Json(await _telemetry(found, now_known, reason))


async def _telemetry(found: Hub, car: Car, reason: str | None) -> dict[str, Any]:
    values = reading(await newest(found.store, car), await place_of(found.store, car))
    return {
        **values,
        "vehicle_id": car.row.id,
        **aged(values, found.clock.now()),
        "reason": reason,
        "missing": missing_of(car.row.status),
    }


async def _asked(found: Hub, car: Car) -> str | None:
    """Ask the car where that is due, or where nothing is known. Returns why it was not asked.

    Raises our errors where it was due and failed.
    """
    row = car.connection
    if row is None or row.state in STOPPED:
        return car.state
    known, now = bool(await newest(found.store, car)), found.clock.now()
    if row.paused_until and row.paused_until > now:
        return "vendor_pause"
    due = car.row.next_poll_at is None or car.row.next_poll_at <= now
    if not due and (known or car.row.firm or _just_asked(row, now)):
        return waiting(car.row.status)
    if found.on_demand is None:
        return "no_collector"
    if row.failures and row.next_poll_at and row.next_poll_at > now:
        raise TryLater(row.last_error or "The vendor could not be asked.", row.next_poll_at - now)
    return await _live(found, car, row, urgent=not due)


async def _live(found: Hub, car: Car, row: ConnectionRow, urgent: bool) -> str | None:
    assert found.on_demand is not None
    began = found.clock.now()
    if error := await found.on_demand.collect(row, urgent):
        raise error
    status = (await found.store.vehicles.get(car.row.id, car.row.site)).status
    trouble = _trouble(status)
    if _instant(trouble.get("at")) >= began:
        if trouble.get("then") == "state":
            return "asleep"
        raise TryLater(trouble_of(status) or "The car could not be read.")
    return None if _instant(status.get("asked_at")) >= began else waiting(status)


def waiting(status: Mapping[str, Any]) -> str:
    """Why a car is not asked just now: one of REASONS."""
    if status.get("asleep_since"):
        return "asleep"
    return REASONS.get(str(status.get("reason")), "interval")


def _trouble(status: Mapping[str, Any]) -> Mapping[str, Any]:
    trouble = status.get("trouble")
    return trouble if isinstance(trouble, Mapping) else {}


def _just_asked(row: ConnectionRow, now: datetime) -> bool:
    return row.last_asked is not None and (now - row.last_asked).total_seconds() < RESPITE


def _instant(text: Any) -> datetime:
    """When something was noted; long ago where nothing was."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


async def _failed(found: Hub, car: Car, error: WattledgerError) -> Denied:
    """502 with a description, and what is known of the car."""
    last = await _telemetry(found, car, "failed")
    words = {LoginRequired: "NEEDS_LOGIN", Misconfigured: "MISCONFIGURED"}
    code = next((word for kind, word in words.items() if isinstance(error, kind)), "VENDOR_UNAVAILABLE")
    body = {"ok": False, "error": code, "message": str(error)}
    after = error.after if isinstance(error, TryLater) else None
    wait = {"Retry-After": str(max(1, math.ceil(after.total_seconds())))} if after else {}
    return Denied(502, {**body, "last": last if last["recorded_at"] else None}, wait)
