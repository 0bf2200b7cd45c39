"""GET /v1/ev/status: how the site's cars are connected, in three words."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from wattledger.web.answers import Json
from wattledger.web.auth import User, scope_of
from wattledger.web.contracts.ev import shapes
from wattledger.web.contracts.ev.cars import Car, cars, trouble_of, version_of
from wattledger.web.hub import Hub, hub
from wattledger.web.v1.answered import answers

router = APIRouter(tags=["Cars"])


@router.get("/v1/ev/status", responses=answers(shapes.Status))
async def status(request: Request, person: User) -> Json:
    """Tell whether cars are connected, when the primary was last read, and whether it needs somebody."""
    found = hub(request)
    listed = [car for car in await cars(found.store, scope_of(person)) if car.row.active]
    return Json(status_json(found, listed))


def status_json(found: Hub, listed: list[Car]) -> dict[str, Any]:
    """The status by the first car, which is the primary."""
    first = listed[0] if listed else None
    link = first.connection if first else None
    stopped = first is not None and first.state in ("needs_login", "misconfigured")
    word = ("needs_attention" if stopped else "connected") if first else "not_connected"
    return {
        "connected": first is not None and not stopped,
        "vehicle_label": first.row.name if first else None,
        "last_sync_at": link.last_success if link else None,
        "status": word,
        "message": (link.last_error if link else None) or (trouble_of(first.row.status) if first else None),
        "vehicle_id": first.row.id if first else None,
        "vehicles": len(listed),
        "api": version_of(found.settings),
    }
