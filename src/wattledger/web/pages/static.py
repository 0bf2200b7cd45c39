"""Styles, scripts and vendored libraries, read once, compressed once, checked by their hash.

An address with the file's own hash (`/static/css/tokens.css?v=1a2b3c4d`) may be kept for a year; without
it the browser asks again and gets 304.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

FOLDER = Path(__file__).resolve().parent.parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
_FOREVER = "public, max-age=31536000, immutable"
_ASK = "public, no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    packed: bytes
    mime: str
    mark: str
    """the first 12 hexadecimal digits of its sha256"""


@lru_cache(maxsize=1)
def assets() -> dict[str, Asset]:
    """Every static file by its path below /static/."""
    return {
        path.relative_to(FOLDER).as_posix(): _read(path)
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in _TYPES
    }


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    mark = hashlib.sha256(body).hexdigest()[:12]
    return Asset(body, gzip.compress(body, 9, mtime=0), _TYPES[path.suffix], mark)


def address(path: str) -> str:
    """Where a page finds a file: its path with its hash."""
    return f"/static/{path}?v={assets()[path].mark}"


async def static(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI app for everything below /static/: GET and HEAD, gzip, ETag."""
    request = Request(scope)
    await _answer(request)(scope, receive, send)


def _answer(request: Request) -> Response:
    name = request.scope["path"].removeprefix(request.scope.get("root_path", "")).removeprefix("/static")
    found = assets().get(name.lstrip("/"))
    if found is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    if request.method not in {"GET", "HEAD"}:
        return Response("Only GET.", 405, {"allow": "GET, HEAD"}, media_type="text/plain")
    headers = {
        "etag": f'"{found.mark}"',
        "vary": "accept-encoding",
        "cache-control": _FOREVER if request.query_params.get("v") == found.mark else _ASK,
    }
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, 200, {**headers, "content-encoding": "gzip"}, found.mime)
    return Response(found.body, 200, headers, found.mime)
