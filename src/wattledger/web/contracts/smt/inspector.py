"""GET /api/admin/debug/smt/raw-files...: the admin's inspector of raw SMT files. Every look is audited."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from wattledger.store.rows import PayloadRow
from wattledger.web.answers import Json
from wattledger.web.contracts.smt import fields
from wattledger.web.download import attachment
from wattledger.web.hub import Hub, hub
from wattledger.web.machine import require_admin_read
from wattledger.web.parameters import LARGEST_ID, bounded, payload_id

router = APIRouter(
    prefix="/api/admin/debug/smt/raw-files",
    tags=["Smart Meter Texas"],
    dependencies=[Depends(require_admin_read)],
)
ACTOR = "x-admin-token"
PREVIEW = 20_000
PAGE = 200
MOST_LOOKED_AT = 5_000


@router.get("")
async def raw_files(
    request: Request,
    limit: str | None = None,
    esiid: str | None = None,
    source: str | None = None,
    before: str | None = None,
) -> Json:
    """List raw SMT files, newest first; `before` is the id to go on from."""
    found = hub(request)
    most = bounded("limit", limit, 5, 100)
    start = bounded("before", before, 0, LARGEST_ID) or None
    meter = fields.esiid(esiid) if esiid else None
    rows = await _newest(found, most, start, meter, source)
    listed = [_row(row) for row in rows]
    return Json({"ok": True, "count": len(listed), "rows": listed, "files": listed})


async def _newest(
    found: Hub, most: int, before: int | None, esiid: str | None, source: str | None
) -> list[PayloadRow]:
    rows: list[PayloadRow] = []
    page = most if source is None else PAGE
    for _ in range(MOST_LOOKED_AT // page + 1):
        got = await found.store.payloads.list(
            None, limit=page, before=before, connector="smart_meter_texas", external_id=esiid
        )
        rows += [row for row in got if source in (None, _source(row))]
        if len(got) < page or len(rows) >= most:
            break
        before = got[-1].id
    return rows[:most]


@router.get("/{id}")
async def raw_file(request: Request, id: str) -> Json:
    """Show one raw file with its bytes in base64 and the beginning of its text."""
    found, number = hub(request), payload_id(id)
    row = await found.store.payloads.get(number, None)
    body = await found.store.payloads.body(number, None)
    await _noted(request, "payload.view", row)
    coded = await asyncio.to_thread(base64.b64encode, body)
    content = {"contentBase64": coded.decode(), "textPreview": _preview(body)}
    return Json({"ok": True, **_row(row), **content, "file": {**_row(row), "textPreview": _preview(body)}})


@router.get("/{id}/download")
async def download(request: Request, id: str) -> Response:
    """Download one raw file, byte for byte as it was received."""
    found, number = hub(request), payload_id(id)
    row = await found.store.payloads.get(number, None)
    body = await found.store.payloads.body(number, None)
    await _noted(request, "payload.download", row)
    return attachment(row, body)


def _row(row: PayloadRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "filename": row.filename,
        "sizeBytes": row.size,
        "sha256": row.sha256,
        "createdAt": row.received_at,
        "receivedAt": row.received_at,
        "source": _source(row),
        "storagePath": row.storage_path,
        "contentType": row.mime,
        "state": row.state,
        "kind": row.kind,
        "reason": row.reason,
    }


def _source(row: PayloadRow) -> str:
    return row.headers.get("source") or row.source


def _preview(body: bytes) -> str:
    return body[: PREVIEW * 4].decode("utf-8", "replace").removeprefix("\ufeff")[:PREVIEW]


async def _noted(request: Request, action: str, row: PayloadRow) -> None:
    about = {"sha256": row.sha256, "from": request.client.host if request.client else None}
    await hub(request).store.audit.record(None, ACTOR, action, f"payload:{row.id}", about, row.site)
