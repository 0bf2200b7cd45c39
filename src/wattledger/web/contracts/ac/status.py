"""GET /fetch_status: how the last collection went, for each device that failed too."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request

from wattledger.secrets import SecretUnreadable
from wattledger.store.rows import PayloadRow
from wattledger.store.sources.connections import ConnectionRow
from wattledger.web.answers import Json
from wattledger.web.auth import User
from wattledger.web.contracts.ac import pasted
from wattledger.web.hub import Hub, hub

router = APIRouter(tags=["Air conditioners"])
NOT_YET = {"code": None, "message": "Not yet fetched", "ok": True, "timestamp": None}
ENDED = "Unauthorized - token may be expired"
TROUBLE = "trouble"
MOST = 1000
"""payloads looked through for those of the last collection"""
_CODE = re.compile(r"\b[45]\d\d\b")


@router.get("/fetch_status")
async def fetch_status(request: Request, person: User, connection: str | None = None) -> Json:
    """Tell how the last collection went: overall, and for each device that could not be read."""
    found = hub(request)
    row = await pasted.chosen(found.store, person.site, connection)
    return Json(NOT_YET if row is None else await status_json(found, row))


async def status_json(found: Hub, row: ConnectionRow) -> dict[str, Any]:
    """The contract's `ok, code, message, timestamp`; `devices` lists failures of single devices.

    `warning` announces the end of a pasted token.
    """
    warning = await pasted.warning_of(found.store, row, found.clock.now())
    about: dict[str, Any] = {"connection": row.id, "state": row.state, "timestamp": row.last_asked}
    about["warning"] = warning
    if row.state == "needs_login" or await _ended(found, row):
        return {"ok": False, "code": 401, "message": ENDED, "reason": row.last_error, **about, "devices": []}
    if row.last_asked is None:
        return {**NOT_YET, **about}
    seen = await last_round(found, row)
    failed = [_failure(one) for one in seen if one.filename == TROUBLE]
    about["devices"] = failed
    if row.last_error is None:
        return {
            "ok": not failed,
            "code": 200,
            "message": _told(seen, {one["deviceId"] for one in failed}),
            **about,
        }
    code = _CODE.search(row.last_error)
    return {"ok": False, "code": int(code[0]) if code else None, "message": row.last_error, **about}


async def _ended(found: Hub, row: ConnectionRow) -> bool:
    try:
        window = pasted.window_of(await found.store.connections.secrets(row.id, row.site))
    except SecretUnreadable:
        return False
    return window is not None and not window.rest(found.clock.now())


async def last_round(found: Hub, row: ConnectionRow) -> list[PayloadRow]:
    """What came by the last collection of a connection: they share their time of receipt."""
    listed = await found.store.payloads.list(row.site, limit=MOST, connector=row.connector, source="poll")
    mine = [one for one in listed if one.headers.get("connection") == row.id]
    newest: datetime | None = max((one.received_at for one in mine), default=None)
    return [one for one in mine if one.received_at == newest]


def _told(seen: list[PayloadRow], failed: set[str | None]) -> str:
    named = {p[1].rpartition("/")[0] for one in seen for p in one.summary.get("points", ())}
    read = len(named - failed)
    if failed:
        return f"Last fetch incomplete ({read} devices; {len(failed)} could not be read)"
    return f"Last fetch OK ({read} devices)"


def _failure(one: PayloadRow) -> dict[str, Any]:
    device = orjson.loads(one.headers.get("device", "{}"))
    code = one.headers.get("status", "")
    return {
        "deviceId": device.get("id"),
        "deviceName": device.get("label"),
        "code": int(code) if code.isdecimal() else None,
        "message": one.headers.get("reason", ""),
    }
