"""PUT /api/admin/smt/payloads/{sha256}: a file of any size up to 256 MiB as raw bytes, named by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson
from fastapi import APIRouter, Depends, Request

from wattledger.errors import Refused
from wattledger.model import Payload, Source
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.web import intake
from wattledger.web.answers import Json
from wattledger.web.contracts.smt import fields
from wattledger.web.contracts.smt.pull import headers, stored
from wattledger.web.hub import Hub, hub
from wattledger.web.machine import require_machine

router = APIRouter(tags=["Smart Meter Texas"])
BODY = {
    "parameters": [
        {"name": name, "in": "query", "required": name == "filename", "schema": {"type": "string"}}
        for name in ("filename", "mime", "captured_at", "source", "wrapped_in", "esiid", "meter")
    ],
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
}


@router.put("/api/admin/smt/payloads/{sha256}", dependencies=[Depends(require_machine)], openapi_extra=BODY)
async def put_payload(request: Request, sha256: str) -> Json:
    """Take in one SMT file as a stream; its bytes must have the digest of the path."""
    found, said = hub(request), dict(request.query_params)
    wanted = fields.sha256(sha256)
    payload = await _payload(found, request, said, wanted)
    delivered = await intake.take_in(found, DEFAULT_SITE, payload, payload.headers.get("esiid"))
    answer = {"ok": True, "mode": "stream", "filename": payload.filename, "mime": payload.mime}
    return Json({**answer, **stored(delivered)})


async def _payload(found: Hub, request: Request, said: Mapping[str, str], wanted: str) -> Payload:
    name, mime = fields.filename(said), fields.mime(said)
    labels = {key: fields.text(said, key) for key in ("source", "meter")}
    fields.instant(said, "captured_at")
    wrapped = fields.wrappings(_layers(said.get("wrapped_in")))
    beside = headers(labels, fields.claimed_esiid(said), said.get("captured_at"))
    async with found.streams:
        body = await _read(request, wanted)
    return Payload(
        connector=await intake.connector_of(body),
        source=Source.RELAY,
        body=body,
        received_at=found.clock.now(),
        filename=name,
        mime=mime,
        headers=beside,
        wrapped_in=wrapped,
    )


async def _read(request: Request, wanted: str) -> bytes:
    hasher, parts = hashlib.sha256(), []
    async for part in request.stream():
        hasher.update(part)
        parts.append(part)
    if hasher.hexdigest() != wanted:
        raise Refused(
            f"The bytes have sha256 {hasher.hexdigest()}, the path names {wanted}; send the file again.",
            "SHA256_MISMATCH",
            "sha256",
            422,
        )
    return b"".join(parts)


def _layers(text: str | None) -> object:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refused("wrapped_in is no valid JSON.", "INVALID_FIELD", "wrapped_in") from None
