"""GET /api/admin/smt/{token,health,ping}: the small routes, in the contract's words."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from wattledger.web.answers import Denied, Json
from wattledger.web.guards import guards, public
from wattledger.web.hub import hub
from wattledger.web.machine import ADMIN, check, require_admin_read

router = APIRouter(tags=["Smart Meter Texas"])
TOKEN_BODY = {
    "ok": False,
    "status": 501,
    "message": "SMT JWT token must be tested from the whitelisted SMT droplet, not from Vercel.",
    "instructions": {
        "dropletHost": "intelliwatt-smt-proxy",
        "scriptPath": "/home/deploy/smt_token_test.sh",
        "note": "This route intentionally returns 501 because SMT only whitelists the droplet IP. "
        "Use the droplet script for live JWT verification.",
    },
    "integration": {
        "endpoint": "https://services.smartmetertexas.net/v2/token/",
        "authFlow": "POST with { username: SMT_USERNAME, password: SMT_PASSWORD }",
        "usernameEnv": "SMT_USERNAME=INTELLIPATH",
        "baseUrlEnv": "SMT_API_BASE_URL=https://services.smartmetertexas.net",
    },
}
"""Settings never change this text."""


@guards("admin")
async def require_ping(request: Request) -> None:
    """The admin token, refused in this route's own words. Raises Denied."""
    try:
        check(request, ADMIN, denied={"ok": False, "error": "UNAUTHORIZED"})
    except Denied as denied:
        if denied.status == 503:
            raise Denied(503, {"ok": False, "error": "ADMIN_TOKEN_NOT_CONFIGURED"}) from None
        raise


@router.get("/api/admin/smt/token", dependencies=[Depends(require_admin_read)], status_code=501)
async def token() -> Json:
    """Say where the live token check runs: on the relay, whose address SMT knows."""
    return Json(TOKEN_BODY, 501)


@router.get("/api/admin/smt/health", dependencies=[Depends(public)])
async def health() -> Json:
    """Say that this hub takes SMT files."""
    return Json({"ok": True, "service": "smt"})


@router.get("/api/admin/smt/ping", dependencies=[Depends(require_ping)])
async def ping(request: Request) -> Json:
    """Say that the admin token is right."""
    return Json({"ok": True, "service": "smt", "timestamp": hub(request).clock.now()})
