"""Bodies are measured while they are read: past a route's limit the answer is 413, with the way out; a sender
that falls silent is answered 408."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wattledger.faults import sabotaged

MIB = 1 << 20
DEFAULT = MIB
PULL = 64 * MIB
STREAM = 256 * MIB
EVENT = 256 * 1024
SILENCE = 30.0
"""seconds without a byte of the body after which a request is given up"""
_PLAINLY = "Send the body without content-encoding; a file may itself be gzip."
WAY_OUT = "send the bytes with PUT /api/admin/smt/payloads/{sha256}"

_LIMITS = (
    ("POST", "/api/admin/smt/pull", PULL, WAY_OUT),
    ("PUT", "/api/admin/smt/payloads/", STREAM, "split the file"),
    ("POST", "/v1/uploads", STREAM, "split the file, or compress it with gzip"),
    ("POST", "/upload", STREAM, "split the file, or compress it with gzip"),
    ("POST", "/webhooks/", EVENT, "no event is as large"),
)


def limit_of(method: str, path: str) -> tuple[int, str]:
    """The greatest body in bytes for a route, and what to do with a greater one."""
    for verb, prefix, size, way_out in _LIMITS:
        if method == verb and path.startswith(prefix):
            return size, way_out
    return DEFAULT, "send less at once"


class _Stop(Exception):
    """The body is read no further; the middleware answers, whatever the route makes of this."""


class BodyLimit:
    """ASGI middleware that stops reading a body at its route's limit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or sabotaged("body_limit"):
            await self._app(scope, receive, send)
            return
        limit, way_out = limit_of(scope["method"], scope["path"])
        if _declared(scope) > limit:
            await _too_large(send, limit, way_out)
            return
        if _header(scope, b"content-encoding").strip().lower() not in (b"", b"identity"):
            await _answer(send, 415, {"error": "UNSUPPORTED_ENCODING", "message": _PLAINLY})
            return
        await _Measured(self._app, limit, way_out)(scope, receive, send)


class _Measured:
    """One request: measures what is received, and answers in the route's place when that must stop."""

    def __init__(self, app: ASGIApp, limit: int, way_out: str) -> None:
        self._app, self._limit, self._way_out = app, limit, way_out
        self._size = 0
        self._whole = self._started = self._silent = False

    @property
    def _stopped(self) -> bool:
        return not self._started and (self._silent or self._size > self._limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def measured() -> Message:
            message = await self._next(receive)
            self._size += len(message.get("body", b""))
            self._whole = self._whole or not message.get("more_body", False)
            if self._stopped:
                raise _Stop
            return message

        async def guarded(message: Message) -> None:
            if not self._stopped:
                self._started = True
                await send(message)

        with suppress(_Stop):  # answered below, as when the route caught it itself
            await self._app(scope, measured, guarded)
        if self._stopped:
            await self._refuse(send)

    async def _next(self, receive: Receive) -> Message:
        """The next part of the body; a sender that falls silent in the middle is not waited for."""
        if self._whole:
            return await receive()
        try:
            async with asyncio.timeout(SILENCE):
                return await receive()
        except TimeoutError:
            self._silent = True
            raise _Stop from None

    async def _refuse(self, send: Send) -> None:
        if self._silent:
            message = f"Nothing of the body came for {SILENCE:.0f} seconds; send it again."
            await _answer(send, 408, {"error": "TOO_SLOW", "message": message})
        else:
            await _too_large(send, self._limit, self._way_out)


def _declared(scope: Scope) -> int:
    value = _header(scope, b"content-length")
    return int(value) if value.isdigit() and len(value) < 20 else 0


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")


async def _too_large(send: Send, limit: int, way_out: str) -> None:
    most = f"{limit // MIB} MiB" if limit >= MIB else f"{limit // 1024} KiB"
    message = f"The body is larger than {most}; {way_out}."
    await _answer(send, 413, {"error": "TOO_LARGE", "message": message, "limit": limit})


async def _answer(send: Send, status: int, said: dict[str, object]) -> None:
    body = orjson.dumps({"ok": False, **said})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
