"""v2 of the simulated Smartcar: lists, single reads, batches, charging, webhooks, and taking access back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from wattledger.simulators.calls import Call
from wattledger.simulators.smartcar_garage import Grant
from wattledger.simulators.smartcar_reads import Answer, read, refused
from wattledger.simulators.smartcar_vendor import Vendor, stamp

Handler = Callable[[Vendor, Call, Grant, re.Match[str]], Answer]
MOST_CONNECTIONS = 100
MANAGEMENT = "/v2.0/management/connections"


def answer(vendor: Vendor, call: Call) -> Answer:
    """What a request under /v2.0 gets."""
    header = call.headers.get("authorization", "")
    if call.path == MANAGEMENT:
        return _connections(vendor, call) if vendor.manages(header) else refused("AUTHENTICATION", None)
    scheme, _, bearer = header.partition(" ")
    user = vendor.issuer.user(bearer) if scheme == "Bearer" else None
    if user is None and not (call.method == "DELETE" and vendor.manages(header)):
        return refused("AUTHENTICATION", None)
    return _routed(vendor, call, user)


def _routed(vendor: Vendor, call: Call, user: str | None) -> Answer:
    path = call.path.removeprefix("/v2.0")
    if path == "/user":
        return ok({"id": user})
    if path == "/vehicles":
        return _vehicles(vendor, call, user)
    found = re.fullmatch(r"/vehicles/([^/]+)(/.*)?", path)
    if found is None:
        return refused("RESOURCE_NOT_FOUND", "PATH")
    grants = vendor.garage.of(user, found[1])
    return _vehicle(vendor, call, grants[0], found[2] or "/") if grants else refused("PERMISSION", None)


def ok(body: dict[str, Any]) -> Answer:
    """A success."""
    return Answer(200, body, {})


def _vehicle(vendor: Vendor, call: Call, grant: Grant, path: str) -> Answer:
    for method, pattern, handler in ROUTES:
        found = re.fullmatch(pattern, path)
        if method == call.method and found:
            return handler(vendor, call, grant, found)
    if call.method != "GET":
        return refused("RESOURCE_NOT_FOUND", "PATH")
    return read(vendor, grant, path, call.headers.get("sc-unit-system", "metric"))


def _vehicles(vendor: Vendor, call: Call, user: str | None) -> Answer:
    limit = min(int(call.query.get("limit", "10")), vendor.page_size)
    offset = int(call.query.get("offset", "0"))
    ids = [grant.vehicle.id for grant in vendor.garage.of(user)]
    page = ids[offset : offset + limit]
    return ok({"vehicles": page, "paging": {"count": len(ids), "offset": offset}})


def _batch(vendor: Vendor, call: Call, grant: Grant, _: re.Match[str]) -> Answer:
    asked = (call.json() or {}).get("requests")
    if not isinstance(asked, list) or not asked:
        return refused("VALIDATION", "PARAMETER")
    units = call.headers.get("sc-unit-system", "metric")
    return ok({"responses": [_entry(vendor, grant, item["path"], units) for item in asked]})


def _entry(vendor: Vendor, grant: Grant, path: str, units: str) -> dict[str, Any]:
    said = read(vendor, grant, path, units)
    entry: dict[str, Any] = {"path": path, "code": said.status, "body": said.body}
    return {**entry, "headers": said.headers} if said.headers else entry


def _permissions(vendor: Vendor, call: Call, grant: Grant, _: re.Match[str]) -> Answer:
    paging = {"count": len(grant.permissions), "offset": 0}
    return ok({"permissions": list(grant.permissions), "paging": paging})


def _control(vendor: Vendor, call: Call, grant: Grant, _: re.Match[str]) -> Answer:
    if "control_charge" not in grant.permissions:
        return refused("PERMISSION", None)
    vendor.spend(grant.vehicle.id)
    return ok({"status": "success", "message": "Sent to the vehicle."})


def _disconnect(vendor: Vendor, call: Call, grant: Grant, _: re.Match[str]) -> Answer:
    vendor.unlink(grant.user, grant.vehicle.id)
    return ok({"status": "success"})


def _subscribe(vendor: Vendor, call: Call, grant: Grant, found: re.Match[str]) -> Answer:
    if found[1] not in {hook.id for hook in vendor.webhooks}:
        return refused("RESOURCE_NOT_FOUND", "PATH")
    vendor.subscribe(found[1], grant.user, grant.vehicle.id)
    return ok({"webhookId": found[1], "vehicleId": grant.vehicle.id})


def _unsubscribe(vendor: Vendor, call: Call, grant: Grant, found: re.Match[str]) -> Answer:
    vendor.unsubscribe(found[1], grant.vehicle.id)
    return ok({})


def _connections(vendor: Vendor, call: Call) -> Answer:
    wanted = (call.query.get("user_id"), call.query.get("vehicle_id"))
    if call.method == "DELETE":
        if not any(wanted):
            return refused("VALIDATION", "PARAMETER")
        gone = vendor.garage.of(*wanted)
        vendor.unlink(*wanted)
        return ok({"connections": [{"userId": g.user, "vehicleId": g.vehicle.id} for g in gone]})
    mode = call.query.get("mode")
    every = [g for g in vendor.garage.of(*wanted) if mode in (None, g.mode)]
    limit = min(int(call.query.get("limit", "10")), MOST_CONNECTIONS)
    first = int(call.query.get("cursor", "0"))
    more = first + limit < len(every)
    page = [
        {"userId": g.user, "vehicleId": g.vehicle.id, "connectedAt": stamp(g.created), "mode": g.mode}
        for g in every[first : first + limit]
    ]
    return ok({"connections": page, "paging": {"cursor": str(first + limit) if more else None}})


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", r"/batch", _batch),
    ("GET", r"/permissions", _permissions),
    ("POST", r"/charge(?:/limit)?", _control),
    ("DELETE", r"/application", _disconnect),
    ("POST", r"/webhooks/([^/]+)", _subscribe),
    ("DELETE", r"/webhooks/([^/]+)", _unsubscribe),
)
