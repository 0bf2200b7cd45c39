"""The vendor's REST API on loopback: the JWT, and every resource that its guide lists."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request, Response

from wattledger.clock import token
from wattledger.simulators import smt_resources as resources
from wattledger.simulators.home import CENTRAL
from wattledger.simulators.smt_script import TOKEN_PATH, Call, Fault

if TYPE_CHECKING:
    from wattledger.simulators.smt_account import Account

Answer = tuple[int, Any]
Handler = Callable[["Account", dict[str, Any]], Answer]

RESOURCES: dict[str, Handler] = {
    "/v2/15minintervalreads/": resources.interval_reads,
    "/v2/dailyreads/": resources.daily_reads,
    "/v2/monthlybillingInformation/": resources.monthly_billing,
    "/v2/greenbutton/": resources.acknowledge,
    "/v2/meterInfo/": resources.meter_info,
    "/v2/premiseInfo/": resources.premise_info,
    "/v2/odr/": resources.on_demand_read,
    "/v2/odrstatus/": resources.on_demand_status,
    "/v2/reportrequeststatus/": resources.report_status,
    "/v2/NewSubscription/": resources.new_subscription,
    "/v2/UnSubscription/": resources.end_subscription,
    "/v2/Mysubscriptions/": resources.subscriptions,
    "/v2/NewAgreement/": resources.new_agreement,
    "/v2/AgreementESIIDs/": resources.agreement_esiids,
    "/v2/Terminateagreement/": resources.terminate_agreement,
    "/v2/myagreements/": resources.agreements,
}
NEEDS_HEADERS = {"/v2/NewAgreement/", "/v2/NewSubscription/"}


def make_app(simulator: Account) -> FastAPI:
    """The API of one simulator; every call is recorded in `simulator.calls`."""
    app = FastAPI(openapi_url=None)

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    async def answer(request: Request) -> Response:
        body = _json(await request.body())
        path = request.url.path
        simulator.calls.append(Call(request.method, path, dict(request.headers), body))
        await asyncio.sleep(simulator.script.delay)
        if fault := simulator.script.take(path):
            await asyncio.sleep(fault.delay)
            return _failed(fault)
        status, said = _route(simulator, request, path, body)
        return Response(resources.dump(said), status, media_type="application/json")

    return app


def _route(simulator: Account, request: Request, path: str, body: Any) -> Answer:
    if request.method != "POST" or (path != TOKEN_PATH and path not in RESOURCES):
        return 404, {"error": "Not found"}
    if not isinstance(body, dict):
        return 400, {"error": "Malformed request"}
    if path == TOKEN_PATH:
        return _token(simulator, body)
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not simulator.accepts(bearer):
        return 401, {"error": "Unauthorized"}
    if path in NEEDS_HEADERS and not _named(request, body):
        return 401, {
            "errorCode": "401",
            "errorMessage": "Username/ServiceID Mismatch on both Header and Payload message.",
        }
    return RESOURCES[path](simulator, body)


def _named(request: Request, body: dict[str, Any]) -> bool:
    wanted = body.get("requestorID")
    return request.headers.get("username") == wanted == request.headers.get("serviceid")


def _token(simulator: Account, body: dict[str, Any]) -> Answer:
    for name in ("username", "password"):
        if not body.get(name):
            return 400, {"error": f"Please provide {name}."}
    if (body["username"], body["password"]) != (simulator.username, simulator.password):
        return 401, {"error": "Incorrect username or password."}
    script, now = simulator.script, simulator.clock.now()
    life = timedelta(seconds=simulator.token_seconds)
    access = f"eyJ{token(12)}.{token(24)}.{token(24)}"
    simulator.tokens[access] = now + life
    said = {
        "statusCode": script.status_code,
        "accessToken": access,
        "tokenType": "Bearer",
        "expiresIn": script.expires_in,
        "issuedAt": _stamp(now, script.zoneless),
        "expiresAt": _stamp(now + life, script.zoneless),
        **script.token_fields,
    }
    return 200, {k: v for k, v in said.items() if v is not None}


def _stamp(when: Any, zoneless: bool) -> str:
    if zoneless:
        return f"{when.astimezone(ZoneInfo(CENTRAL)):%m/%d/%Y %H:%M:%S}"
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


def _failed(fault: Fault) -> Response:
    return Response(fault.body, fault.status, fault.headers, fault.mime)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
