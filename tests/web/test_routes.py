"""The inventory of routes: each has a row here; a route without one, or with another guard, fails."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.web.helpers import machine
from tests.web.matrix import BY_ROUTE, HOW, ROWS, strangers
from wattledger.web.routes import RouteRow, inventory, routes_table

DESCRIBED = {row.route for row in ROWS if not row.page} - {"GET /docs", "GET /openapi.json"}


def test_every_route_has_a_row_and_its_guard(app: FastAPI) -> None:
    unlike = strangers(inventory(app))
    assert not unlike, HOW.format(routes=", ".join(unlike))


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
        unset = BY_ROUTE[f"{row.method} {row.path}"].unset
        assert answer.status_code < 500 or answer.status_code in unset, row
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
    assert listed == DESCRIBED
    assert described["paths"]["/api/admin/smt/pull"]["post"]["security"] == [{"admin": [], "webhook": []}]
    page = (await client.get("/docs")).text
    assert "/v1/usage-points/{id}/energy" in page
    assert "http://" not in page and "https://" not in page
