"""/v1/connections: the links to vendors, and the relays that carry Smart Meter Texas."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request

from wattledger.store.connections import ConnectionRow
from wattledger.store.heartbeats import HeartbeatRow
from wattledger.web.answers import Json
from wattledger.web.auth import User, scope_of
from wattledger.web.hub import hub
from wattledger.web.v1 import shapes
from wattledger.web.v1.answered import answers

router = APIRouter(prefix="/v1/connections", tags=["Connections"])
SILENT_AFTER = 2 * 3600
"""seconds without a sign of life after which a relay counts as silent: four missed cycles"""


@router.get("", responses=answers(shapes.Connections))
async def connections(request: Request, person: User) -> Json:
    """List connections with their state and last success, and the relays' last cycles."""
    found = hub(request)
    rows = await found.store.connections.list(scope_of(person))
    beats = [relay_json(beat, found.clock.now()) for beat in await found.store.connections.heartbeats()]
    listed = [*(connection_json(row) for row in rows), *map(_as_connection, beats)]
    return Json({"connections": listed, "relays": beats})


def connection_json(row: ConnectionRow) -> dict[str, Any]:
    """A connection as JSON, without anything secret."""
    return {
        "id": row.id,
        "connector": row.connector,
        "state": row.state,
        "last_success": row.last_success,
        "last_error": row.last_error,
        "next_poll_at": row.next_poll_at,
    }


def relay_json(beat: HeartbeatRow, now: datetime) -> dict[str, Any]:
    """A relay as JSON: state `ok`, `partial`, `failed`, or `silent` when nothing was heard for two hours."""
    age = max(0, int((now - beat.at).total_seconds()))
    state = "silent" if age > SILENT_AFTER else beat.line.get("status", "ok")
    return {"name": beat.name, "state": state, "last_seen": beat.at, "age_seconds": age, "line": beat.line}


def _as_connection(relay: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"relay:{relay['name']}",
        "connector": "smart_meter_texas",
        "state": relay["state"],
        "last_success": relay["last_seen"] if relay["state"] == "ok" else None,
        "last_error": relay["line"].get("error"),
        "next_poll_at": None,
    }
