"""A hub on a real socket that stores what it is given, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass
class Scripted:
    """One prepared answer. `store` first keeps the file; `cut` breaks the line; `drip` sends byte by byte."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    change: Mapping[str, Any] = field(default_factory=dict)
    store: bool = True
    cut: bool = False
    drip: float = 0.0
    text: bytes | None = None


class HubDouble:
    """`async with HubDouble() as hub`: `files` by sha256, `requests` as (method, path, headers, message)."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.names: dict[str, str] = {}
        self.received: list[str] = []
        self.requests: list[tuple[str, str, dict[str, str], dict[str, Any]]] = []
        self.beats: list[dict[str, Any]] = []
        self.script: deque[Scripted] = deque()
        self.always: Scripted | None = None
        self.delay = 0.0
        self.at_once = self.most_at_once = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def __aenter__(self) -> HubDouble:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(100)
        routes = [
            Route("/api/admin/smt/pull", self._pull, methods=["POST"]),
            Route("/api/admin/smt/payloads/{sha256}", self._put, methods=["PUT"]),
            Route("/api/admin/smt/heartbeat", self._beat, methods=["POST"]),
        ]
        self._server = uvicorn.Server(
            uvicorn.Config(Starlette(routes=routes), lifespan="off", log_level="critical")
        )
        self._task = asyncio.create_task(self._server._serve([self._socket]))
        while not self._server.started:
            await asyncio.sleep(0.005)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        await self._task

    async def _beat(self, request: Request) -> Response:
        self.beats.append(await request.json())
        return Response(b'{"ok":true}')

    async def _pull(self, request: Request) -> Response:
        message = orjson.loads(await request.body())
        self.requests.append((request.method, request.url.path, dict(request.headers), message))
        body = base64.b64decode(message["content_b64"], validate=True)
        if message["encoding"] == "base64+gzip":
            assert len(body) == message["compressedBytes"]
            body = gzip.decompress(body)
        assert len(body) == message["sizeBytes"]
        return await self._answer(message["filename"], body)

    async def _put(self, request: Request) -> Response:
        labels = dict(request.query_params)
        self.requests.append((request.method, request.url.path, dict(request.headers), labels))
        body = await request.body()
        assert hashlib.sha256(body).hexdigest() == request.path_params["sha256"]
        return await self._answer(labels["filename"], body)

    async def _answer(self, name: str, body: bytes) -> Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.delay)
        self.at_once -= 1
        scripted = self.script.popleft() if self.script else self.always or Scripted()
        sha256 = hashlib.sha256(body).hexdigest()
        known = sha256 in self.files
        if scripted.store and scripted.status < 400:
            self.files[sha256], self.names[sha256] = body, name
            self.received.append(sha256)
        if scripted.cut:
            return _Cut()
        receipt = {"ok": True, "sha256": sha256, "sizeBytes": len(body), "id": str(len(self.files))}
        receipt |= {"duplicate": known, "persisted": not known, **scripted.change}
        text = scripted.text if scripted.text is not None else orjson.dumps(receipt)
        if scripted.drip:
            return _Drip(text, scripted.drip)
        return Response(text, scripted.status, dict(scripted.headers), "application/json")


class _Cut(Response):
    """Announces an answer and never ends it: the line breaks."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": False})


class _Drip(Response):
    def __init__(self, text: bytes, every: float) -> None:
        super().__init__()
        self._text, self._every = text, every

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for at in range(len(self._text)):
            await send({"type": "http.response.body", "body": self._text[at : at + 1], "more_body": True})
            await asyncio.sleep(self._every)
        await send({"type": "http.response.body", "body": b""})
