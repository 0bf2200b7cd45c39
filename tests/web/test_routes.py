"""The inventory of routes: each has a row here; a route without one, or with another guard, fails."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.web.helpers import machine
from wattledger.web.routes import RouteRow, inventory, routes_table

GUARDS = {
    "public": """
        GET /healthz, GET /readyz, GET /docs, GET /openapi.json, GET /signin, GET /auth/link, GET /setup,
        POST /v1/auth/link, POST /auth/link, POST /auth/sign-out, POST /setup, GET /api/admin/smt/health,
        GET /oauth/smartthings/callback
    """,
    "session": """
        GET /v1/me, GET /v1/tokens, POST /v1/tokens, DELETE /v1/tokens/{id}, GET /v1/connections,
        GET /v1/usage-points, GET /v1/usage-points/{id}, GET /v1/usage-points/{id}/energy,
        GET /v1/usage-points/{id}/gaps, GET /v1/usage-points/{id}/revisions,
        GET /v1/usage-points/{id}/observations, GET /v1/payloads, GET /v1/payloads/{id},
        GET /v1/payloads/{id}/download,
        GET /dashboard, GET /dashboard/hourly, GET /history, GET /export, GET /fetch_status, GET /token,
        POST /auth/sign-out-everywhere
    """,
    "manager": """
        POST /v1/uploads, POST /v1/connections/{id}/poll,
        PATCH /v1/usage-points/{id}, POST /v1/usage-points/{id}/backfill, POST /v1/payloads/{id}/withdraw,
        POST /v1/payloads/{id}/reread, POST /v1/connections, GET /v1/connections/smartthings/connect,
        POST /token
    """,
    "admin": """
        GET /api/admin/smt/token, GET /api/admin/smt/ping, GET /api/admin/debug/smt/raw-files,
        GET /api/admin/debug/smt/raw-files/{id}, GET /api/admin/debug/smt/raw-files/{id}/download,
        GET /api/admin/analysis/daily-summary, GET /api/admin/analysis/intervals
    """,
    "machine": """
        POST /api/admin/smt/pull, PUT /api/admin/smt/payloads/{sha256}, POST /api/admin/smt/heartbeat
    """,
    "metrics": "GET /metrics",
}
DECLARED = {
    route.strip(): guard for guard, routes in GUARDS.items() for route in routes.replace("\n", "").split(",")
}
PAGES = ("session", "manager", "owner", "operator")


def is_page(row: RouteRow) -> bool:
    """A page of a signed-in person: outside of the API's paths."""
    declared = f"{row.method} {row.path}" in DECLARED
    return row.guard in PAGES and not declared and not row.path.startswith(("/v1/", "/api/"))


def test_every_route_has_a_row_and_its_guard(app: FastAPI) -> None:
    rows = [row for row in inventory(app) if not is_page(row)]
    assert {f"{row.method} {row.path}": row.guard for row in rows} == DECLARED


def test_every_route_says_what_it_does(app: FastAPI) -> None:
    assert [row for row in inventory(app) if not row.summary or len(row.summary) > 160] == []
    assert routes_table(app).count("\n") == len(inventory(app)) + 2


def test_a_route_without_a_guard_is_noticed(app: FastAPI) -> None:
    @app.get("/forgotten")
    async def forgotten() -> dict[str, str]:
        """Anyone could read this."""
        return {}

    assert RouteRow("/forgotten", "GET", "", "Anyone could read this.") in inventory(app)
    with pytest.raises(AssertionError):
        test_every_route_has_a_row_and_its_guard(app)


async def test_nobody_is_let_in_without_a_word(app: FastAPI, client: AsyncClient) -> None:
    """Every route but the public ones refuses a stranger, and nothing answers 5xx."""
    for row in inventory(app):
        path = row.path.replace("{id}", "0" * 32).replace("{sha256}", "0" * 64)
        answer = await client.request(row.method, path)
        assert answer.status_code < 500, row
        if row.guard != "public":
            assert answer.status_code in (401, 303), row
            assert answer.status_code == 401 or answer.headers["location"].startswith("/signin"), row


async def test_old_headers_and_addresses_are_gone(client: AsyncClient) -> None:
    for path in (
        "/oauth/token",
        "/api/admin/smt/raw-upload",
        "/api/smt/ingest",
        "/redoc",
        "/docs/oauth2-redirect",
    ):
        assert (await client.post(path, headers=machine())).status_code in (404, 405), path


async def test_the_openapi_document_and_its_page(client: AsyncClient, app: FastAPI) -> None:
    described = (await client.get("/openapi.json")).json()
    listed = {f"{m.upper()} {p}" for p, methods in described["paths"].items() for m in methods}
    assert listed == set(DECLARED) - {
        "GET /docs", "GET /openapi.json", "GET /signin", "GET /auth/link", "GET /setup",
    }  # fmt: skip
    assert described["paths"]["/api/admin/smt/pull"]["post"]["security"] == [{"admin": [], "webhook": []}]
    page = (await client.get("/docs")).text
    assert "/v1/usage-points/{id}/energy" in page
    assert "http://" not in page and "https://" not in page
