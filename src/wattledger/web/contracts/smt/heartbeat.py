"""POST /api/admin/smt/heartbeat: the line of a relay's cycle, so that a silent relay is noticed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request

from wattledger.errors import Refused
from wattledger.web.answers import Json
from wattledger.web.contracts.smt import fields
from wattledger.web.hub import hub
from wattledger.web.jsonbody import read_json
from wattledger.web.machine import require_machine

router = APIRouter(tags=["Smart Meter Texas"])
STATUSES = ("ok", "partial", "failed")
COUNTS = ("fetched", "decrypted", "processed_files", "sent")
LONGEST_LINE = 256 * 1024
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["status"],
                    "properties": {
                        "status": {"enum": list(STATUSES)},
                        "relay": {"type": "string"},
                        **{name: {"type": "integer"} for name in COUNTS},
                    },
                }
            }
        },
    }
}


@router.post("/api/admin/smt/heartbeat", dependencies=[Depends(require_machine)], openapi_extra=BODY)
async def heartbeat(request: Request) -> Json:
    """Keep a relay's last cycle line as its sign of life."""
    if len(await request.body()) > LONGEST_LINE:
        raise Refused("A cycle line has at most 256 KiB.", "TOO_LARGE", status=413)
    line = await read_json(request)
    name = _check(line)
    found = hub(request)
    await found.store.connections.heartbeat(name, line, found.clock.now())
    return Json({"ok": True, "relay": name})


def _check(line: Any) -> str:
    if not isinstance(line, dict):
        raise Refused("The cycle line must be a JSON object.", "BAD_JSON")
    if line.get("status") not in STATUSES:
        raise Refused(f"status must be one of {', '.join(STATUSES)}.", "INVALID_FIELD", "status")
    for name in COUNTS:
        fields.whole(line, name)
    return fields.text(line, "relay", 100) or "relay"
