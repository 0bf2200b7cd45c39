"""Behind a reverse proxy's sub-path: `WATTLEDGER_BASE_URL=https://example.org/energy`.

Routes and templates know nothing of it: requests lose the path before them, and what leads a browser back
(addresses in pages, redirects) gets it. The proxy may take the path off itself or leave it on.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ADDRESS = re.compile(rb'(\s(?:href|action|src|hx-get|hx-post|data-source)=")(/(?!/))')
_ROOT = b'<html lang="en"'


def path_of(base_url: str | None) -> str:
    """The path of a public address, without a slash at its end; empty for none."""
    return urlsplit(base_url or "").path.rstrip("/")


class Prefixed:
    """ASGI middleware, the outermost; scripts find the path as `data-base` of the page."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(_inner(scope, self._prefix), receive, _Outward(send, self._prefix.encode()))


def _inner(scope: Scope, prefix: str) -> Scope:
    path: str = scope["path"]
    if path != prefix and not path.startswith(f"{prefix}/"):
        return scope
    raw = bytes(scope.get("raw_path") or path.encode())
    shorter = raw.removeprefix(prefix.encode()) or b"/"
    return {**scope, "path": path.removeprefix(prefix) or "/", "raw_path": shorter}


class _Outward:
    """Sends an answer with its addresses led through the path; a page is sent once it is whole."""

    def __init__(self, send: Send, prefix: bytes) -> None:
        self._send, self._prefix = send, prefix
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _begin(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        if headers.get("location", "").startswith("/"):
            headers["location"] = self._prefix.decode() + headers["location"]
        if Headers(scope=message).get("content-type", "").startswith("text/html"):
            self._start = message
        else:
            await self._send(message)

    async def _finish(self, start: Message) -> None:
        body = _ADDRESS.sub(rb"\1" + self._prefix + rb"\2", self._body)
        body = body.replace(_ROOT, _ROOT + b' data-base="' + self._prefix + b'"', 1)
        if self._body:
            MutableHeaders(scope=start)["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})
