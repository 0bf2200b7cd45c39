"""POST /api/admin/smt/pull: a file inline in JSON, or, without `content_b64`, a wish for the relay.

Takes the brief's body and the original's (with `mode`). An inline file is answered after it was archived,
read and committed; bytes that cannot be read are kept and answered 200 with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request

from wattledger.errors import Refused
from wattledger.model import Payload, Source
from wattledger.store.archive.objects import key_of
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.store.rows import Delivered
from wattledger.web import intake
from wattledger.web.answers import Json
from wattledger.web.contracts.smt import fields
from wattledger.web.contracts.smt.inline import Inline, unpack
from wattledger.web.contracts.smt.trigger import ask_relay
from wattledger.web.hub import Hub, hub
from wattledger.web.jsonbody import decode, is_json
from wattledger.web.machine import require_machine

router = APIRouter(tags=["Smart Meter Texas"])
MODES = (None, "inline", "trigger")
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "filename": {"type": "string"},
                        "mime": {"type": "string", "default": "text/csv"},
                        "encoding": {"enum": ["base64", "base64+gzip"]},
                        "content_b64": {"type": "string"},
                        "esiid": {"type": "string"},
                        "meter": {"type": "string"},
                        "captured_at": {"type": "string", "format": "date-time"},
                        "sizeBytes": {"type": "integer"},
                        "source": {"type": "string"},
                        "reason": {"type": "string"},
                    },
                }
            }
        },
    }
}


@router.post("/api/admin/smt/pull", dependencies=[Depends(require_machine)], openapi_extra=BODY)
async def pull(request: Request) -> Json:
    """Take in one SMT file from the relay, or ask the relay to fetch."""
    message = await _message(request)
    if message.get("mode") not in MODES:
        raise Refused("mode must be inline or trigger, or be left out.", "BAD_MODE", "mode")
    if message.get("mode") == "inline" or "content_b64" in message:
        return await _take_inline(hub(request), message)
    return await ask_relay(hub(request), message)


async def _message(request: Request) -> dict[str, Any]:
    if not is_json(request):
        raise Refused("Send JSON with content-type application/json.", "EXPECTED_JSON")
    body = await request.body()
    value = decode(body) if len(body) < 1 << 20 else await asyncio.to_thread(decode, body)
    if not isinstance(value, dict):
        raise Refused("The JSON body must be an object.", "BAD_JSON")
    return value


async def _take_inline(found: Hub, message: Mapping[str, Any]) -> Json:
    name, mime = fields.filename(message), fields.mime(message)
    labels = {key: fields.text(message, key) for key in ("source", "meter", "houseId")}
    captured, wrapped = fields.instant(message, "captured_at"), fields.wrappings(message.get("wrapped_in"))
    claimed = fields.claimed_esiid(message)
    inline, connector = await asyncio.to_thread(_opened, message)
    payload = Payload(
        connector=connector,
        source=Source.RELAY,
        body=inline.body,
        received_at=found.clock.now(),
        filename=name,
        mime=mime,
        headers=headers(labels, claimed, message.get("captured_at") if captured else None),
        wrapped_in=wrapped,
    )
    delivered = await intake.take_in(found, DEFAULT_SITE, payload, claimed)
    return Json(_answer(message, payload, inline, delivered))


def _opened(message: Mapping[str, Any]) -> tuple[Inline, str]:
    """The bytes, and whose they are: in one visit to a thread."""
    inline = unpack(message)
    return inline, intake.recognised(inline.body)


def headers(labels: Mapping[str, str | None], esiid: str | None, captured: str | None) -> dict[str, str]:
    """What a sender said beside a file, kept with the payload as it was said."""
    said = {**labels, "source": labels.get("source") or "adhocusage", "esiid": esiid, "captured_at": captured}
    return {key: value for key, value in said.items() if value}


def _answer(
    message: Mapping[str, Any], payload: Payload, inline: Inline, delivered: Delivered
) -> dict[str, Any]:
    packed = {} if inline.packed is None else {"compressedBytes": inline.packed}
    return {
        "ok": True,
        "mode": "inline",
        "filename": payload.filename,
        "mime": payload.mime,
        "source": payload.headers["source"],
        "esiid": message.get("esiid"),
        "meter": message.get("meter"),
        "captured_at": message.get("captured_at"),
        "encoding": inline.encoding,
        **packed,
        **stored(delivered),
    }


def stored(delivered: Delivered) -> dict[str, Any]:
    """What the hub made of a file: receipt, summary, and notes for people."""
    return {
        "sizeBytes": delivered.size,
        "sha256": delivered.sha256,
        "storagePath": key_of(delivered.sha256),
        "persisted": not delivered.duplicate,
        "duplicate": delivered.duplicate,
        "id": str(delivered.id),
        "message": _sentence(delivered),
        "intervalNormalized": delivered.state == "read" and delivered.kind == "interval",
        "state": delivered.state,
        "kind": delivered.kind,
        "reason": delivered.reason,
        "summary": intake.summary(delivered.summary),
        "notes": delivered.summary.notes[: intake.MOST_LISTED],
    }


def _sentence(delivered: Delivered) -> str:
    if delivered.state == "rejected":
        return f"Inline payload stored; it can't be read: {delivered.reason}"
    if delivered.state == "withdrawn":
        return "Inline payload is known and was withdrawn; nothing changed."
    if delivered.duplicate:
        return "Inline payload verified (duplicate sha256, nothing changed)."
    if delivered.kind == "interval":
        return "Inline payload stored and normalized."
    return f"Inline payload stored ({delivered.kind})."
