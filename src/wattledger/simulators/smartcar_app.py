"""The HTTP side of the simulated Smartcar: every host of the vendor at one address."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from wattledger.simulators import smartcar_v2 as v2
from wattledger.simulators import smartcar_v3 as v3
from wattledger.simulators.calls import Call
from wattledger.simulators.smartcar_connect import Desk, Page, authorize, reauthenticate
from wattledger.simulators.smartcar_reads import Answer
from wattledger.simulators.smartcar_vendor import Vendor, basic

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
Transports = dict[tuple[str, int], asyncio.Transport]


def protocol(transports: Transports) -> type[asyncio.Protocol]:
    """uvicorn's protocol, which also tells which connection a caller has."""

    class Known(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            transports[transport.get_extra_info("peername")] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            transports.pop(self.transport.get_extra_info("peername"), None)
            super().connection_lost(exc)

    return Known


def make_app(vendor: Vendor, desk: Desk, transports: Transports) -> FastAPI:
    """Every request is recorded in `vendor.calls`."""
    app = FastAPI(openapi_url=None)

    @app.api_route("/{path:path}", methods=METHODS)
    async def answer(request: Request) -> Response:
        call = await _call(request)
        vendor.calls.append(call)
        await asyncio.sleep(vendor.script.delay)
        fault = vendor.script.take(call.method, call.path)
        if fault is None:
            return _answered(vendor, desk, call)
        await asyncio.sleep(fault.delay)
        if fault.served:
            _answered(vendor, desk, call)
        if fault.cut:
            assert request.client
            transports[request.client.host, request.client.port].abort()
        elif fault.status is None:
            return _answered(vendor, desk, call)
        return Response(fault.body, fault.status or 500, dict(fault.headers), fault.mime)

    return app


async def _call(request: Request) -> Call:
    body = await request.body()
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    query, headers = dict(request.query_params), dict(request.headers)
    return Call(request.method, request.url.path, query, headers, form, body)


def _answered(vendor: Vendor, desk: Desk, call: Call) -> Response:
    if call.path == "/oauth/authorize":
        return _page(authorize(vendor, desk, call, parse_qsl(call.body.decode("utf-8", "replace"))))
    if call.path == "/oauth/reauthenticate":
        return _page(reauthenticate(vendor, call))
    said = _api(vendor, call)
    if said.status == 204:
        return Response(status_code=204)
    body = json.dumps(said.body).encode()
    return Response(body, said.status, said.headers, "application/json")


def _api(vendor: Vendor, call: Call) -> Answer:
    if call.path == "/oauth/token" and call.method == "POST":
        status, body = vendor.issuer.answer(call.form, basic(call.headers.get("authorization", "")))
        return Answer(status, body, {})
    if call.path == "/oauth2/token" and call.method == "POST":
        status, body = vendor.app.answer(_given(call))
        return Answer(status, body, {})
    if call.path.startswith("/v2.0/"):
        return v2.answer(vendor, call)
    return v3.answer(vendor, call)


def _given(call: Call) -> dict[str, Any]:
    said = call.json()
    return said if isinstance(said, dict) else dict(call.form)


def _page(page: Page) -> Response:
    if page.location:
        return Response(status_code=page.status, headers={"location": page.location})
    return Response(page.html, page.status, media_type="text/html")
