"""The HTTP side of the simulated SmartThings: lists and pages, statuses, health, places, sign-in."""

from __future__ import annotations

import asyncio
import binascii
import json
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from wattledger.simulators.calls import Call
from wattledger.simulators.smartthings_script import error

if TYPE_CHECKING:
    from wattledger.simulators.smartthings_account import Account

Answer = tuple[int, Any]
Handler = Callable[["Account", Call, re.Match[str]], Answer]


def make_app(vendor: Account) -> FastAPI:
    """Every call is recorded in `vendor.calls`."""
    app = FastAPI(openapi_url=None)

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def answer(request: Request) -> Response:
        body = await request.body()
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        query, headers = dict(request.query_params), dict(request.headers)
        call = Call(request.method, request.url.path, query, headers, form, body)
        vendor.calls.append(call)
        await asyncio.sleep(vendor.script.delay)
        if fault := vendor.script.take(call.path):
            await asyncio.sleep(fault.delay)
            if fault.served:
                _route(vendor, call)
            return Response(fault.body, fault.status, dict(fault.headers), fault.mime)
        if call.path.endswith("/oauth/authorize"):
            return _consent(vendor, call)
        status, said = _route(vendor, call)
        if isinstance(said, AsyncIterator):
            return StreamingResponse(said, status, media_type="text/event-stream")
        return Response(json.dumps(said, default=str).encode(), status, media_type="application/json")

    return app


def _route(vendor: Account, call: Call) -> Answer:
    path = call.path.removeprefix("/v1")
    if path == "/oauth/token" and call.method == "POST":
        return vendor.issuer.answer(call.form, _basic(call.headers.get("authorization", "")))
    scheme, _, bearer = call.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not vendor.issuer.accepts(bearer):
        return 401, error(401)
    for pattern, handler in ROUTES:
        if found := pattern.fullmatch(path):
            return handler(vendor, call, found)
    return 404, error(404)


def _consent(vendor: Account, call: Call) -> Response:
    """The owner agrees at once."""
    if call.query.get("client_id") != vendor.issuer.client_id:
        return Response(status_code=400)
    back = {"code": vendor.issuer.code(), "state": call.query.get("state", "")}
    return RedirectResponse(f"{call.query['redirect_uri']}?{urlencode(back)}", 302)


def _basic(header: str) -> str:
    try:
        return b64decode(header.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _devices(vendor: Account, call: Call, _: re.Match[str]) -> Answer:
    together = call.query.get("includeStatus") == "true"
    if together and vendor.refuses_together:
        return vendor.refuses_together, error(vendor.refuses_together)
    size = min(int(call.query.get("max", "200")), vendor.page_size)
    page = int(call.query.get("page", "0"))
    ids = list(vendor.devices)[page * size : (page + 1) * size]
    more = len(vendor.devices) > (page + 1) * size
    host = vendor.next_host or vendor.url
    links = {"next": {"href": f"{host}/devices?max={size}&page={page + 1}"}} if more else {}
    return 200, {"items": [vendor.item(id, together) for id in ids], "_links": links}


def _status(vendor: Account, call: Call, found: re.Match[str]) -> Answer:
    if found[1] not in vendor.devices:
        return 403, error(403)
    return 200, {"components": vendor.status(found[1])}


def _health(vendor: Account, call: Call, found: re.Match[str]) -> Answer:
    if found[1] not in vendor.devices:
        return 403, error(403)
    return 200, {"deviceId": found[1], **vendor.health(found[1])}


def _location(vendor: Account, call: Call, found: re.Match[str]) -> Answer:
    known = vendor.locations.get(found[1])
    return (403, error(403)) if known is None else (200, {"locationId": found[1], **known})


def _rooms(vendor: Account, call: Call, found: re.Match[str]) -> Answer:
    rooms = vendor.rooms.get(found[1], {})
    items = [{"roomId": id, "locationId": found[1], "name": name} for id, name in rooms.items()]
    return 200, {"items": items, "_links": None}


def _installed(vendor: Account, call: Call, _: re.Match[str]) -> Answer:
    vendor.issuer.revoke()
    return 200, {"count": 1}


def _subscribe(vendor: Account, call: Call, _: re.Match[str]) -> Answer:
    return vendor.push.subscribe(json.loads(call.body), vendor.url)


def _subscription(vendor: Account, call: Call, found: re.Match[str]) -> Answer:
    return vendor.push.remove(found[1])


def _activate(vendor: Account, call: Call, found: re.Match[str]) -> Answer:
    if found[1] not in vendor.push.subscriptions:
        return 404, error(404)
    if vendor.push.listeners >= vendor.push.most:
        return 422, error(422)
    return 200, vendor.push.stream()


ROUTES: tuple[tuple[re.Pattern[str], Handler], ...] = tuple(
    (re.compile(pattern), handler)
    for pattern, handler in (
        (r"/devices", _devices),
        (r"/devices/([^/]+)/status", _status),
        (r"/devices/([^/]+)/health", _health),
        (r"/locations/([^/]+)", _location),
        (r"/locations/([^/]+)/rooms", _rooms),
        (r"/subscriptions", _subscribe),
        (r"/subscriptions/([^/]+)", _subscription),
        (r"/filters/([^/]+)/activate", _activate),
        (r"/installedapps/([^/]+)", _installed),
    )
)
