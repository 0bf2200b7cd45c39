"""The relay's port: trigger, run once, look at a run, health. Every refusal says what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from wattledger.errors import Refused
from wattledger.relay import triggers
from wattledger.relay.gate import Gate
from wattledger.relay.report import Line
from wattledger.relay.runner import Run, Runner

MOST_BODY = 1 << 20
BODY_SECONDS = 15.0


class Asked(Protocol):
    """What the port needs of the service."""

    runner: Runner

    def check_vendor(self, request: dict[str, Any]) -> None: ...

    def ask_vendor(self, request: dict[str, Any]) -> Run: ...

    async def canary(self, text: bytes) -> Line: ...

    def health(self) -> dict[str, Any]: ...


def create_app(relay: Asked, gate: Gate) -> Starlette:
    """The application of the relay's port."""

    async def trigger(request: Request) -> Response:
        found = triggers.read(await _body(request, gate))
        if found.request:
            relay.check_vendor(found.request)
        run = relay.ask_vendor(found.request) if found.request else relay.runner.ask(found.reason)
        return _json({"ok": True, "run": run.job.id, "state": run.state, "reason": run.job.reason}, 202)

    async def run_once(request: Request) -> Response:
        found = triggers.read(await _body(request, gate), "run_once")
        if found.request is not None:
            raise Refused(
                "run-once runs a cycle; send smt_request to /trigger/smt-now.", "UNKNOWN_REASON", "reason"
            )
        run = relay.runner.ask(found.reason)
        await run.finished.wait()
        line = run.line or {}
        return _json(line, 502 if line.get("status") == "failed" else 200)

    async def canary(request: Request) -> Response:
        line = await relay.canary(triggers.canary(await _body(request, gate)))
        return _json(line, 502 if line.get("status") == "failed" else 200)

    async def one_run(request: Request) -> Response:
        gate.check(request.headers.raw)
        run = relay.runner.find(request.path_params["run"])
        if run is None:
            raise Refused("There is no such run, or it is long ago.", "NOT_FOUND", status=404)
        return _json({"ok": True, **run.as_json()})

    async def health(request: Request) -> Response:
        return _json(relay.health())

    return Starlette(
        routes=[
            Route("/trigger/smt-now", _guarded(trigger), methods=["POST"]),
            Route("/run-once", _guarded(run_once), methods=["POST"]),
            Route("/canary", _guarded(canary), methods=["POST"]),
            Route("/runs/{run}", _guarded(one_run), methods=["GET"]),
            Route("/health", health, methods=["GET"]),
            Route("/healthz", health, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _no_route},
    )


Endpoint = Callable[[Request], Awaitable[Response]]


def _guarded(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refused as error:
            body = {"ok": False, "error": error.code, "message": str(error)}
            return _json({**body, "field": error.field} if error.field else body, error.status)
        except ClientDisconnect:
            return _json({"ok": False, "error": "GONE", "message": "The caller went away."}, 400)

    return answer


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = "This address takes another method." if status == 405 else "There is nothing at this address."
    return _json({"ok": False, "error": "NOT_FOUND" if status == 404 else "METHOD", "message": text}, status)


async def _body(request: Request, gate: Gate) -> bytes:
    gate.check(request.headers.raw)
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > MOST_BODY:
                    raise Refused(f"A trigger has at most {MOST_BODY} bytes.", "TOO_LARGE", status=413)
    except TimeoutError:
        raise Refused("The body came too slowly.", "TOO_SLOW", status=408) from None
    return b"".join(parts)


def _json(body: object, status: int = 200) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(orjson.dumps(body), status, headers, "application/json")
