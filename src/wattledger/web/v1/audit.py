"""/v1/audit: who did what; a site's own actions, and for the operator everything."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from wattledger.store.people.audit import AuditRow
from wattledger.web.answers import Json
from wattledger.web.auth import Manager, Operator
from wattledger.web.hub import hub
from wattledger.web.parameters import LARGEST_ID, bounded
from wattledger.web.people import names
from wattledger.web.v1 import people_shapes as shapes
from wattledger.web.v1.answered import answers

router = APIRouter(prefix="/v1/audit", tags=["Audit"])


@router.get("", responses=answers(shapes.Audit))
async def audit(
    request: Request, person: Manager, limit: str | None = None, before: str | None = None
) -> Json:
    """List what was done at the site, newest first; pass `next` as `before` for the following page."""
    return await _listed(request, person.site, limit, before)


@router.get("/all", responses=answers(shapes.Audit))
async def everything(
    request: Request, person: Operator, limit: str | None = None, before: str | None = None
) -> Json:
    """List what was done anywhere in this installation, newest first."""
    return await _listed(request, None, limit, before)


async def _listed(request: Request, site: str | None, limit: str | None, before: str | None) -> Json:
    most = bounded("limit", limit, 50, 500)
    start = bounded("before", before, 0, LARGEST_ID) or None
    rows = await hub(request).store.audit.list(most, start, site=site)
    known = await names(request, {row.actor for row in rows})
    following = str(rows[-1].id) if len(rows) == most else None
    return Json({"audit": [_json(row, known.get(row.actor)) for row in rows], "next": following})


def _json(row: AuditRow, who: str | None) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "at": row.at,
        "actor": row.actor,
        "who": who,
        "action": row.action,
        "subject": row.subject,
        "details": dict(row.details),
        "site": row.site,
    }
