"""/v1/payloads: the archive of a site: what came, its bytes, withdrawing and reading anew."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from wattledger.store.rows import PayloadRow
from wattledger.web import intake
from wattledger.web.answers import Json
from wattledger.web.audited import note
from wattledger.web.auth import Manager, User, actor, scope_of
from wattledger.web.download import attachment
from wattledger.web.hub import hub
from wattledger.web.parameters import LARGEST_ID, bounded, payload_id
from wattledger.web.v1 import archive_shapes as shapes
from wattledger.web.v1.answered import answers

router = APIRouter(prefix="/v1/payloads", tags=["Payloads"])

INTERNAL = frozenset({"user", "external_id"})
"""headers that tie a payload to an account at the vendor: for its reader alone"""


@router.get("", responses=answers(shapes.Payloads))
async def payloads(
    request: Request,
    person: User,
    limit: str | None = None,
    before: str | None = None,
    connector: str | None = None,
    source: str | None = None,
    text: str | None = None,
    external_id: str | None = None,
) -> Json:
    """List payloads, newest first; pass `next` as `before` for the following page."""
    most = bounded("limit", limit, 50, 500)
    rows = await hub(request).store.payloads.list(
        scope_of(person),
        limit=most,
        before=bounded("before", before, 0, LARGEST_ID) or None,
        connector=connector,
        source=source,
        text=text,
        external_id=external_id,
    )
    following = str(rows[-1].id) if len(rows) == most else None
    return Json({"payloads": [payload_json(row) for row in rows], "next": following})


@router.get("/{id}", responses=answers(shapes.Payload))
async def payload(request: Request, person: User, id: str) -> Json:
    """Show one payload: where it came from, what reading it did."""
    return Json(payload_json(await hub(request).store.payloads.get(payload_id(id), scope_of(person))))


@router.get("/{id}/download", response_class=Response, responses=answers(media=["*/*"]))
async def download(request: Request, person: User, id: str) -> Response:
    """Download a payload, byte for byte as it was received."""
    store, number = hub(request).store, payload_id(id)
    row = await store.payloads.get(number, scope_of(person))
    body = await store.payloads.body(number, scope_of(person))
    await note(request, person, "payload.download", f"payload:{number}")
    return attachment(row, body)


@router.post("/{id}/withdraw", responses=answers(shapes.Withdrawn))
async def withdraw(request: Request, person: Manager, id: str) -> Json:
    """Take a payload out of the ledger; it stays in the archive, the ledger is recomputed without it."""
    store, number = hub(request).store, payload_id(id)
    await store.payloads.withdraw(number, scope_of(person), actor(person))
    return Json({"ok": True, **payload_json(await store.payloads.get(number, scope_of(person)))})


@router.post("/{id}/reread", responses=answers(shapes.Reread))
async def reread(request: Request, person: Manager, id: str) -> Json:
    """Read a payload again with today's parser; a withdrawn one is refused."""
    store, number = hub(request).store, payload_id(id)
    delivered = await store.payloads.reread(number, scope_of(person))
    await note(request, person, "payload.reread", f"payload:{number}")
    return Json({"ok": True, **intake.receipt(delivered)})


def payload_json(row: PayloadRow) -> dict[str, Any]:
    """A payload as JSON, without its bytes."""
    return {
        "id": str(row.id),
        "connector": row.connector,
        "source": row.source,
        "filename": row.filename,
        "mime": row.mime,
        "sha256": row.sha256,
        "size": row.size,
        "received_at": row.received_at,
        "state": row.state,
        "kind": row.kind,
        "reason": row.reason,
        "headers": {name: value for name, value in row.headers.items() if name not in INTERNAL},
        "wrapped_in": row.wrapped_in,
        "summary": row.summary,
    }
