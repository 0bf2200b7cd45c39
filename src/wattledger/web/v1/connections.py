"""/v1/connections: the links to vendors, and the relays that carry Smart Meter Texas."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request

from wattledger.errors import LoginRequired, Refused
from wattledger.store.rows import PayloadRow
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.heartbeats import HeartbeatRow
from wattledger.web.answers import Json
from wattledger.web.audited import note
from wattledger.web.auth import Manager, User, actor, scope_of
from wattledger.web.contracts.ac import oauth, pasted
from wattledger.web.hub import hub
from wattledger.web.jsonbody import Body, described, json_body
from wattledger.web.parameters import public_id
from wattledger.web.v1 import connection_shapes as shapes
from wattledger.web.v1.answered import answers

router = APIRouter(prefix="/v1/connections", tags=["Connections"])
MOST_SHOWN = 200
SILENT_AFTER = 2 * 3600
"""seconds without a sign of life after which a relay counts as silent: four missed cycles"""


@router.get("", responses=answers(shapes.Connections))
async def connections(request: Request, person: User) -> Json:
    """List connections with their state and last success, and the relays' last cycles."""
    found = hub(request)
    rows = await found.store.connections.list(scope_of(person))
    beats = [relay_json(beat, found.clock.now()) for beat in await found.store.connections.heartbeats()]
    now = found.clock.now()
    listed = [
        *[connection_json(row, await pasted.warning_of(found.store, row, now)) for row in rows],
        *map(_as_connection, beats),
    ]
    return Json({"connections": listed, "relays": beats})


class NewConnection(Body):
    """A SmartThings connection: with a pasted token, or without one by signing in there."""

    connector: Literal["smartthings"]
    token: str | None = None


@router.post(
    "",
    status_code=201,
    responses={**answers(shapes.Connected, 201), 202: {"model": shapes.ConsentFirst}},
    openapi_extra=described(NewConnection),
)
async def connect(
    request: Request, person: Manager, wish: Annotated[NewConnection, Depends(json_body(NewConnection))]
) -> Json:
    """Connect SmartThings: with a pasted token at once, else answers where to sign in."""
    found = hub(request)
    if wish.token is None:
        browser = person.via == "session"
        url = await oauth.begin(request, person.user_id, person.site, browser, None)
        return Json({"ok": True, "url": url}, 202)
    vendor = found.settings.smartthings_base_url
    done = await pasted.place(found.store, found.clock, vendor, person.site, wish.token, actor(person), None)
    warned = {"warning": done.warning} if done.warning else {}
    return Json({"ok": True, "connection": connection_json(done.connection), **warned}, 201)


@router.post("/{id}/poll", responses=answers(shapes.Polled))
async def poll(request: Request, person: Manager, id: str) -> Json:
    """Collect a connection now, after one that is running, and answer with what came."""
    found = hub(request)
    row = await found.store.connections.get(public_id(id, "connection"), scope_of(person))
    if found.on_demand is None:
        raise Refused("This process does not collect; another one does.", "NO_COLLECTOR", status=409)
    await note(request, person, "connection.collected", f"connection:{row.id}")
    newest = max((p.id for p in await found.store.payloads.list(row.site, limit=1)), default=0)
    try:
        error = await found.on_demand.collect(row)
    except LoginRequired as ended:
        raise Refused(str(ended), "NEEDS_LOGIN", status=409) from None
    now = await found.store.connections.get(row.id, row.site)
    came = await found.store.payloads.list(row.site, limit=MOST_SHOWN, connector=row.connector)
    listed = [_came(p) for p in came if p.id > newest and p.headers.get("connection", row.id) == row.id]
    told = {"ok": error is None, "message": None if error is None else str(error)}
    return Json({**told, "connection": connection_json(now), "payloads": listed})


def _came(row: PayloadRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "filename": row.filename,
        "size": row.size,
        "kind": row.kind,
        "state": row.state,
    }


def connection_json(row: ConnectionRow, warning: str | None = None) -> dict[str, Any]:
    """A connection as JSON, without anything secret; `warning` announces what will stop it."""
    return {
        "id": row.id,
        "connector": row.connector,
        "state": row.state,
        "last_success": row.last_success,
        "last_error": row.last_error,
        "next_poll_at": row.next_poll_at,
        "last_asked": row.last_asked,
        "paused_until": row.paused_until,
        "warning": warning,
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
