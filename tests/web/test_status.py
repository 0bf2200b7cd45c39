"""The small SMT routes: words, letter for letter."""

from __future__ import annotations

from typing import Any

from httpx2 import AsyncClient

from tests.web.helpers import ADMIN, FakeClock
from wattledger.config import Settings
from wattledger.store import Store

TOKEN_TEXT = (
    '{"ok":false,"status":501,"message":"SMT JWT token must be tested from the whitelisted SMT droplet, '
    'not from Vercel.","instructions":{"dropletHost":"intelliwatt-smt-proxy",'
    '"scriptPath":"/home/deploy/smt_token_test.sh","note":"This route intentionally returns 501 because SMT '
    'only whitelists the droplet IP. Use the droplet script for live JWT verification."},'
    '"integration":{"endpoint":"https://services.smartmetertexas.net/v2/token/",'
    '"authFlow":"POST with { username: SMT_USERNAME, password: SMT_PASSWORD }",'
    '"usernameEnv":"SMT_USERNAME=INTELLIPATH",'
    '"baseUrlEnv":"SMT_API_BASE_URL=https://services.smartmetertexas.net"}}'
)
KEY = {"x-admin-token": ADMIN}


async def test_token_is_501_letter_for_letter(client: AsyncClient) -> None:
    answer = await client.get("/api/admin/smt/token", headers=KEY)
    assert (answer.status_code, answer.text) == (501, TOKEN_TEXT)
    assert (await client.get("/api/admin/smt/token")).json() == {"error": "Unauthorized"}


async def test_settings_never_change_the_501_body(store: Store, settings: Settings) -> None:
    from httpx2 import ASGITransport

    from wattledger.web.app import create_app

    other = settings.model_copy(update={"smt_username": "OTHER", "smt_api_base_url": "https://else.example"})
    async with AsyncClient(transport=ASGITransport(create_app(store, other)), base_url="http://x") as client:
        assert (await client.get("/api/admin/smt/token", headers=KEY)).text == TOKEN_TEXT


async def test_health_and_ping(client: AsyncClient) -> None:
    assert (await client.get("/api/admin/smt/health")).json() == {"ok": True, "service": "smt"}
    said = (await client.get("/api/admin/smt/ping", headers=KEY)).json()
    assert said == {"ok": True, "service": "smt", "timestamp": "2026-06-15T17:00:00Z"}
    refused = await client.get("/api/admin/smt/ping")
    assert (refused.status_code, refused.json()) == (401, {"ok": False, "error": "UNAUTHORIZED"})


async def test_heartbeats_are_kept_and_shown(
    robot: AsyncClient, owner: AsyncClient, clock: FakeClock
) -> None:
    line = {"status": "ok", "fetched": 2, "decrypted": 1, "processed_files": 2, "sent": 2, "relay": "edge"}
    assert (await robot.post("/api/admin/smt/heartbeat", json=line)).json() == {"ok": True, "relay": "edge"}
    said = (await owner.get("/v1/connections")).json()
    assert said["relays"][0] == {
        "name": "edge", "state": "ok", "last_seen": "2026-06-15T17:00:00Z", "age_seconds": 0, "line": line,
    }  # fmt: skip
    assert said["connections"][0]["connector"] == "smart_meter_texas"


async def test_bad_heartbeats(robot: AsyncClient) -> None:
    path = "/api/admin/smt/heartbeat"
    lines: list[Any] = [
        [],
        {},
        {"status": "fine"},
        {"status": "ok", "sent": -1},
        {"status": "ok", "relay": "a\0"},
    ]
    for line in lines:
        assert (await robot.post(path, json=line)).status_code == 400, line
    assert (await robot.post(path, json={"status": "ok", "error": "\0"})).status_code < 500
