"""DELETE /api/admin/smt/canary/{sha256}: a deployment test takes its own file away again."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from wattledger.store.archive import canary
from wattledger.web.answers import Json
from wattledger.web.contracts.smt import fields
from wattledger.web.hub import hub
from wattledger.web.machine import require_machine

router = APIRouter(tags=["Smart Meter Texas"])


@router.delete("/api/admin/smt/canary/{sha256}", dependencies=[Depends(require_machine)])
async def remove(request: Request, sha256: str) -> Json:
    """Remove a canary; any other file is refused."""
    store = hub(request).store
    count = await canary.remove(store.database, store.audit, fields.sha256(sha256), "machine secrets")
    return Json({"ok": True, "sha256": sha256, "removed": count})
