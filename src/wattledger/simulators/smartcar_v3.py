"""v3 of the simulated Smartcar: connections, users, vehicles, signals, commands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from wattledger.simulators import smartcar_manage as manage
from wattledger.simulators.calls import Call
from wattledger.simulators.smartcar_garage import Grant, Vehicle
from wattledger.simulators.smartcar_pages import paged, refused
from wattledger.simulators.smartcar_reads import Answer
from wattledger.simulators.smartcar_signals import known, resource
from wattledger.simulators.smartcar_vendor import Vendor, stamp

Handler = Callable[[Vendor, Call, re.Match[str]], Answer]
GONE = Answer(204, {}, {})


def answer(vendor: Vendor, call: Call) -> Answer:
    """What a request under /v3 gets."""
    scheme, _, bearer = call.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not vendor.app.accepts(bearer):
        return refused("AUTHENTICATION", "UNAUTHORIZED")
    path = call.path.removeprefix("/v3")
    for method, pattern, handler in (*ROUTES, *manage.ROUTES):
        found = re.fullmatch(pattern, path)
        if method == call.method and found:
            return handler(vendor, call, found)
    return refused("RESOURCE_NOT_FOUND", "INVALID_PATH")


def _connections(vendor: Vendor, call: Call, _: re.Match[str]) -> Answer:
    if vendor.listing_late > 0:
        vendor.listing_late -= 1
        return paged(vendor, call, [], 10)
    user = call.query.get("filter[userId]") or call.headers.get("sc-user-id")
    mode = call.query.get("filter[vehicle.mode]", "live")
    external = call.query.get("filter[user.externalId]")
    found = [
        _connection(vendor, grant)
        for grant in reversed(vendor.garage.of(user, call.query.get("filter[vehicleId]")))
        if grant.mode == mode and external in (None, grant.external_id)
    ]
    return paged(vendor, call, found, 10)


def _one(vendor: Vendor, call: Call, found: re.Match[str]) -> Answer:
    for grant in vendor.garage.of():
        if grant.id == found[1]:
            if call.method == "GET":
                return Answer(200, {"data": _connection(vendor, grant)}, {})
            vendor.unlink(grant.user, grant.vehicle.id)
            return GONE
    return refused("RESOURCE_NOT_FOUND", "CONNECTION_NOT_FOUND")


def _user(vendor: Vendor, call: Call, found: re.Match[str]) -> Answer:
    if not vendor.unlink(found[1]):
        return refused("RESOURCE_NOT_FOUND", "USER_NOT_FOUND")
    return GONE


def _vehicle(vendor: Vendor, call: Call, found: re.Match[str]) -> Answer:
    grants = vendor.garage.of(vehicle=found[1])
    if not grants:
        return refused("RESOURCE_NOT_FOUND", "VEHICLE_NOT_FOUND")
    return Answer(200, {"data": _described(vendor, grants[0].vehicle, grants[0].mode)}, {})


def _signals(vendor: Vendor, call: Call, found: re.Match[str]) -> Answer:
    grant = _granted(vendor, call, found[1])
    if isinstance(grant, Answer):
        return grant
    if not vendor.spend(found[1]):
        return refused("BILLING", "VEHICLE_REQUEST_LIMIT")
    codes = known(grant.vehicle) if _stored(vendor, found[1]) else []
    data = [resource(vendor, grant, code, vendor.clock.now()) for code in codes]
    body = {
        "data": data,
        "meta": {"totalCount": len(data), "pageSize": len(data), "pageNumber": 1},
        "links": {"self": f"{vendor.url}/v3/vehicles/{found[1]}/signals"},
    }
    return Answer(200, {**body, "included": _included(vendor, grant)}, {})


def _signal(vendor: Vendor, call: Call, found: re.Match[str]) -> Answer:
    grant = _granted(vendor, call, found[1])
    if isinstance(grant, Answer):
        return grant
    if not vendor.spend(found[1]):
        return refused("BILLING", "VEHICLE_REQUEST_LIMIT")
    if not _stored(vendor, found[1]) or not known(grant.vehicle, [found[2]]):
        return refused("RESOURCE_NOT_FOUND", "SIGNAL_NOT_FOUND")
    data = resource(vendor, grant, found[2], vendor.clock.now())
    return Answer(200, {"data": data, "included": _included(vendor, grant)}, {})


def _command(vendor: Vendor, call: Call, found: re.Match[str]) -> Answer:
    grant = _granted(vendor, call, found[1])
    if isinstance(grant, Answer):
        return grant
    if "control_charge" not in grant.permissions:
        return refused("PERMISSION", None)
    vendor.spend(found[1])
    return Answer(200, {"data": {"type": "command-execution", "attributes": {"status": "SUCCESS"}}}, {})


def _granted(vendor: Vendor, call: Call, vehicle: str) -> Grant | Answer:
    user = call.headers.get("sc-user-id")
    if not user:
        return refused("VALIDATION", "MISSING_PARAMETER", detail="missing userId")
    if not vendor.garage.of(vehicle=vehicle):
        return refused("RESOURCE_NOT_FOUND", "VEHICLE_NOT_FOUND")
    if grants := vendor.garage.of(user, vehicle):
        return grants[0]
    return refused("AUTHENTICATION", "ACCESS_DENIED", status="403")


def _stored(vendor: Vendor, vehicle: str) -> bool:
    return not vendor.subscribed_only or vendor.subscribed(vehicle)


def _included(vendor: Vendor, grant: Grant) -> dict[str, Any]:
    return {"vehicle": _described(vendor, grant.vehicle, grant.mode)}


def _described(vendor: Vendor, vehicle: Vehicle, mode: str) -> dict[str, Any]:
    return {
        "id": vehicle.id,
        "type": "vehicle",
        "attributes": attributes(vehicle, mode),
        "links": {"self": f"{vendor.url}/v3/vehicles/{vehicle.id}"},
    }


def attributes(vehicle: Vehicle, mode: str) -> dict[str, Any]:
    """Make, model and the rest, as v3 has them."""
    return {
        "make": vehicle.make,
        "model": vehicle.model,
        "year": vehicle.year,
        "mode": mode,
        "powertrainType": vehicle.powertrain,
    }


def _connection(vendor: Vendor, grant: Grant) -> dict[str, Any]:
    here = f"{vendor.url}/v3"
    vehicle = {"id": grant.vehicle.id, "type": "vehicle"}
    return {
        "id": grant.id,
        "type": "connection",
        "attributes": {
            "permissions": sorted(grant.permissions),
            "vehicle": attributes(grant.vehicle, grant.mode),
            "user": {"id": grant.user, "externalId": grant.external_id},
        },
        "relationships": {
            "vehicle": {"data": vehicle, "links": {"related": f"{here}/vehicles/{grant.vehicle.id}"}},
            "user": {"data": {"id": grant.user, "type": "user"}},
        },
        "meta": {"createdAt": stamp(grant.created), "updatedAt": stamp(grant.updated)},
        "links": {"self": f"{here}/connections/{grant.id}"},
    }


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", r"/connections", _connections),
    ("GET", r"/connections/([^/]+)", _one),
    ("DELETE", r"/connections/([^/]+)", _one),
    ("DELETE", r"/users/([^/]+)", _user),
    ("GET", r"/vehicles/([^/]+)", _vehicle),
    ("GET", r"/vehicles/([^/]+)/signals", _signals),
    ("GET", r"/vehicles/([^/]+)/signals/([^/]+)", _signal),
    ("POST", r"/vehicles/([^/]+)/commands/charge/(?:start|stop|set-limit)", _command),
)
