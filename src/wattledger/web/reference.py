"""/docs and /openapi.json: the API's description, without any request outside this host."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse

from wattledger.web.answers import Json
from wattledger.web.guards import public
from wattledger.web.pages.render import html
from wattledger.web.routes import WHO, inventory

router = APIRouter(tags=["System"], dependencies=[Depends(public)], include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request) -> Json:
    """The API as an OpenAPI document."""
    return Json(request.app.openapi())


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The API as a page to read."""
    described: dict[str, Any] = request.app.openapi()["paths"]
    rows = [row for row in inventory(request.app) if row.method.lower() in described.get(row.path, {})]
    groups = [(name, list(part)) for name, part in groupby(sorted(rows, key=_section), _section)]
    return html("reference.html", groups=groups, paths=described, who=WHO)


def _section(row: Any) -> str:
    first = row.path.strip("/").split("/")[0]
    return {"v1": "API", "api": "Relay and operators", "auth": "Sign-in"}.get(first, "System")
