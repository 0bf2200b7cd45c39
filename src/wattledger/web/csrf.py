"""A browser may change things only from our own pages, or from an origin that the settings name.

Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`); programs send neither header and
carry a token that no other site's page can have. Forms so work without JavaScript.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import orjson
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from wattledger.config import Settings
from wattledger.faults import sabotaged

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of an address, lower case, without a default port; empty for nonsense."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2].lower()
    default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return f"{parts.scheme}://{host.removesuffix(default) if default else host}"


def allowed_origins(settings: Settings) -> tuple[str, ...]:
    """Origins whose pages may call the API: WATTLEDGER_ALLOWED_ORIGINS, else that of FRONTEND_URL."""
    named = settings.allowed_origins or ((settings.frontend_url,) if settings.frontend_url else ())
    return tuple(origin_of(o) for o in named if o != "*")


class SameOrigin:
    """ASGI middleware: 403 for a change that another site's page asks for."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        own = (origin_of(settings.base_url),) if settings.base_url else ()
        self._allowed = frozenset(allowed_origins(settings) + own)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE and not self._welcome(scope):
            await _refuse(send)
            return
        await self._app(scope, receive, send)

    def _welcome(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if sabotaged("csrf") or (site is None and origin is None) or site in ("same-origin", "none"):
            return True
        if origin is None or origin == "null":
            return False
        return origin_of(origin) in self._allowed or (site is None and _own(origin, scope, headers))


def _own(origin: str, scope: Scope, headers: Headers) -> bool:
    hosts = headers.getlist("host")
    own = origin_of(f"{scope['scheme']}://{hosts[0]}") if len(hosts) == 1 else ""
    return bool(own) and origin_of(origin) == own


async def _refuse(send: Send) -> None:
    message = "This request came from another site's page; nothing was changed."
    body = orjson.dumps({"ok": False, "error": "CROSS_SITE", "message": message})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
