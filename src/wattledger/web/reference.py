"""/docs and /openapi.json: the API's description, without any request outside this host."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import HTMLResponse

from wattledger.web.answers import Json
from wattledger.web.auth import COOKIE
from wattledger.web.guards import public
from wattledger.web.machine import ADMIN, WEBHOOK
from wattledger.web.pages.render import html
from wattledger.web.routes import WHO, inventory

router = APIRouter(tags=["System"], dependencies=[Depends(public)], include_in_schema=False)

SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token, or a sign-in's access token"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    "admin": {"type": "apiKey", "in": "header", "name": ADMIN},
    "webhook": {"type": "apiKey", "in": "header", "name": WEBHOOK},
}
_PERSON: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
NEEDS: dict[str, list[dict[str, list[str]]]] = {
    "session": _PERSON,
    "owner": _PERSON,
    "admin": [{"admin": []}],
    "machine": [{"admin": [], "webhook": []}],
    "metrics": [{"admin": []}, {"token": []}],
}


@router.get("/openapi.json")
async def openapi(request: Request) -> Json:
    """The API as an OpenAPI document."""
    return Json(described(request.app))


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The API as a page to read."""
    paths: dict[str, Any] = described(request.app)["paths"]
    rows = [row for row in inventory(request.app) if row.method.lower() in paths.get(row.path, {})]
    groups = [(name, list(part)) for name, part in groupby(sorted(rows, key=_section), _section)]
    return html("reference.html", groups=groups, paths=paths, who=WHO)


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with what each route asks of its caller."""
    document = app.openapi()
    document.setdefault("components", {})["securitySchemes"] = SCHEMES
    for row in inventory(app):
        operation = document["paths"].get(row.path, {}).get(row.method.lower())
        if operation is not None:
            operation["security"] = NEEDS.get(row.guard, [])
    return document


def _section(row: Any) -> str:
    first = row.path.strip("/").split("/")[0]
    return {"v1": "API", "api": "Relay and operators", "auth": "Sign-in"}.get(first, "System")
