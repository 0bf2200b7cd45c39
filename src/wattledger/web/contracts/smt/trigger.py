"""The hub's wishes to the relay: a cycle for a home, a backfill of gaps. The relay alone calls SMT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattledger.errors import Refused
from wattledger.web.answers import Json
from wattledger.web.contracts.smt import fields
from wattledger.web.hub import Hub
from wattledger.web.trigger import TriggerFailed


async def ask_relay(found: Hub, message: Mapping[str, Any]) -> Json:
    """Pass a trigger on and answer what the relay said. Raises Refused: MISSING_ESIID, BAD_ESIID, ..."""
    wish = _wish(found, message)
    try:
        said = await found.trigger(wish)
    except TriggerFailed as error:
        return Json(error.body, error.status)
    return Json(
        {
            "ok": True,
            "message": "SMT pull triggered successfully",
            "esiid": wish.get("esiid"),
            "meter": wish.get("meter"),
            "forceRepost": wish["forceRepost"],
            "webhookResponse": said,
        }
    )


def _wish(found: Hub, message: Mapping[str, Any]) -> dict[str, Any]:
    reason, request = fields.reason(message), message.get("request")
    if message.get("esiid") in (None, "") and reason is None:
        raise Refused(
            "esiid is missing: name the meter, or a reason for a full cycle.", "MISSING_ESIID", "esiid"
        )
    if request is not None and not isinstance(request, dict):
        raise Refused("request must be an object {kind, ...}.", "INVALID_FIELD", "request")
    wish = {
        "reason": reason or "admin_triggered",
        "esiid": fields.esiid(message["esiid"]) if message.get("esiid") else None,
        "meter": fields.text(message, "meter"),
        "houseId": fields.text(message, "houseId") or fields.text(message, "homeId"),
        "request": request,
        "ts": found.clock.now().isoformat().replace("+00:00", "Z"),
    }
    return {
        "forceRepost": message.get("forceRepost") is True,
        **{k: v for k, v in wish.items() if v is not None},
    }
