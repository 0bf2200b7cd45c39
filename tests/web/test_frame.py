"""What every answer carries, and what the log says of it."""

from __future__ import annotations

import pytest
import structlog
from fastapi import FastAPI
from httpx2 import AsyncClient
from structlog.testing import capture_logs

from tests.web.helpers import ADMIN, SECRET, machine
from wattledger.errors import LoginRequired, Misconfigured, NotFound, Refused, TryLater
from wattledger.store import Store


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/v1/me", "/signin", "/api/admin/smt/token"])
async def test_security_headers_are_everywhere(client: AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    page = headers["content-type"].startswith("text/html")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == ("same-origin" if page else "no-referrer")
    assert headers["cache-control"] == "no-store"
    assert len(headers["x-request-id"]) >= 12
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy


async def test_errors_become_their_statuses(app: FastAPI, client: AsyncClient) -> None:
    table = [
        (NotFound("Gone."), 404, "NOT_FOUND"),
        (Refused("No.", "CODE", "field", 409), 409, "CODE"),
        (TryLater("Soon."), 503, "TRY_LATER"),
        (LoginRequired("Who?"), 401, "LOGIN_REQUIRED"),
        (Misconfigured("SOME_VARIABLE is missing."), 503, "NOT_CONFIGURED"),
    ]

    @app.get("/raises/{n}")
    async def raises(n: int) -> None:
        """Raise one of our errors."""
        raise table[n][0]

    for n, (error, status, code) in enumerate(table):
        answer = await client.get(f"/raises/{n}")
        assert (answer.status_code, answer.json()["error"]) == (status, code)
        assert answer.json()["message"] == str(error)
        assert ("retry-after" in answer.headers) == (status == 503 and code == "TRY_LATER")
    wrong = await client.get("/raises/notanumber-secretvalue")
    assert wrong.status_code == 422 and "secretvalue" not in wrong.text


async def test_an_unforeseen_error_is_an_incident_without_details(app: FastAPI, client: AsyncClient) -> None:
    @app.get("/breaks")
    async def breaks() -> None:
        """Fail as nobody expected."""
        raise RuntimeError("the password is hunter2")

    with capture_logs() as lines:
        answer = await client.get("/breaks")
    assert answer.status_code == 500 and "hunter2" not in answer.text
    incident = answer.json()["incident"]
    assert any(line.get("request") == incident and line["event"] == "incident" for line in lines)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_access_log_has_no_query_and_no_secret(client: AsyncClient) -> None:
    with capture_logs() as lines:
        await client.get("/auth/link?token=canary-of-a-token")
        await client.get("/api/admin/smt/ping", headers=machine(authorization="Bearer canary-of-a-bearer"))
        await client.get("/%0d%0aforged%1b[31m")
    text = repr(lines)
    for secret in ("canary", ADMIN, SECRET):
        assert secret not in text
    assert [line["status"] for line in lines] == [200, 200, 404]
    assert lines[2]["path"] == "/%0d%0aforged%1b[31m"
    assert structlog.is_configured() in (True, False)


async def test_browsers_get_pages_and_programs_json(client: AsyncClient) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = await client.post("/auth/link", data={"token": "spent"}, headers=browser)
    assert page.status_code == 401 and page.headers["content-type"].startswith("text/html")
    assert "used already" in page.text
    assert (await client.get("/nowhere", headers=browser)).headers["content-type"].startswith("text/html")
    assert (await client.get("/v1/nowhere", headers=browser)).json()["error"] == "NOT_FOUND"


async def test_ready_while_the_database_answers_and_the_disk_has_room(
    app: FastAPI, client: AsyncClient, robot: AsyncClient, store: Store
) -> None:
    assert (await client.get("/readyz")).json()["ok"] is True
    app.state.hub.disk._usage = lambda folder: (100 << 30, 99 << 30, 1 << 30)
    app.state.hub.disk._looked = None
    low = await client.get("/readyz")
    assert (low.status_code, "retry-after" in low.headers) == (507, True)
    refused = await robot.put(f"/api/admin/smt/payloads/{EMPTY}?filename=a.csv", content=b"")
    assert refused.status_code == 507
    assert (await client.get("/healthz")).status_code == 200
    assert await store.payloads.list(None, limit=1) == []


async def test_a_database_that_is_gone_is_503(
    app: FastAPI, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone() -> None:
        raise TryLater("The database did not answer.")

    monkeypatch.setattr(app.state.hub.store, "ping", gone)
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_metrics_need_a_word(client: AsyncClient, robot: AsyncClient, owner: AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 401
    await robot.post("/api/admin/smt/heartbeat", json={"status": "ok"})
    for allowed in (robot, owner):
        text = (await allowed.get("/metrics")).text
        assert 'wattledger_relay_heartbeat_age_seconds{relay="relay"} 0.0' in text
        assert 'route="/api/admin/smt/heartbeat"' in text


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
