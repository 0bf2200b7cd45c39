"""What every answer carries: a request id, security headers, one line of access log, one metric."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wattledger.clock import token
from wattledger.errors import TryLater
from wattledger.store.patience import hurried
from wattledger.web.answers import Json, failure
from wattledger.web.hub import Hub

log = structlog.get_logger("wattledger.web")

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STOPPING = "This hub is stopping and did not finish; send it again."
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Frame:
    """ASGI middleware around everything else; an unforeseen error becomes a 500 with its incident's id.

    What a stopping hub breaks off is a 503: nothing was acknowledged, its sender comes again. Until its
    answer begins, a request waits for others no longer than the database says.
    """

    def __init__(self, app: ASGIApp, hub: Hub) -> None:
        self._app, self._hub = app, hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = scope.setdefault("state", {})["request_id"] = token(9)
        began, status = time.perf_counter(), 0

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, hurry.over = message["status"], True
                _dress(MutableHeaders(scope=message), request, scope)
            await send(message)

        try:
            with hurried(self._hub.store.database.patience) as hurry:
                await self._app(scope, receive, framed)
        except asyncio.CancelledError:
            if status:
                raise
            status, body, headers = failure(TryLater(STOPPING, timedelta(seconds=1)))
            await Json(body, status, headers)(scope, receive, framed)
        except Exception:
            log.exception("incident", request=request, path=_path(scope))
            if status:
                raise
            message = f"Something went wrong here; the log has it as incident {request}."
            body = {"ok": False, "error": "INTERNAL", "message": message, "incident": request}
            await Json(body, 500)(scope, receive, framed)
        finally:
            self._finish(scope, request, status, time.perf_counter() - began)

    def _finish(self, scope: Scope, request: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        self._hub.metrics.answered(scope["method"], route, status, seconds)
        client = scope.get("client")
        log.info(
            "answered",
            request=request,
            method=scope["method"],
            path=_path(scope),
            status=status,
            ms=round(seconds * 1000, 1),
            client=client[0] if client else None,
        )


def _dress(headers: MutableHeaders, request: str, scope: Scope) -> None:
    page = headers.get("content-type", "").startswith("text/html")
    headers["x-request-id"] = request
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    headers.setdefault("content-security-policy", PAGE_POLICY if page else DATA_POLICY)
    # without a referrer browsers send `Origin: null` with a page's own forms, which are checked by Origin
    headers.setdefault("referrer-policy", "same-origin" if page else "no-referrer")
    if not scope["path"].startswith("/static/"):
        headers.setdefault("cache-control", "no-store")
    if scope["scheme"] == "https":
        headers.setdefault("strict-transport-security", "max-age=31536000")


def _path(scope: Scope) -> str:
    """The path as it was sent, escaped and without the query, which may hold a token."""
    raw = scope.get("raw_path") or scope["path"].encode()
    return bytes(raw).partition(b"?")[0].decode("ascii", "backslashreplace")[:300]
