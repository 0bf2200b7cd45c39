"""Makers of Smartcar answers: batches of v2, signals of v3, webhooks of every version, and their payloads."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime
from typing import Any

from wattledger.connectors.smartcar.parse import BATCH, SIGNALS, WEBHOOK
from wattledger.model import Payload, Source

RECEIVED = datetime(2026, 7, 4, 12, 5, tzinfo=UTC)
STAMP = "2026-07-04T11:55:00.000Z"
AT = datetime(2026, 7, 4, 11, 55, tzinfo=UTC)
MS = 1783166100000
"""AT in epoch milliseconds"""
CAR, USER = "3f0c7d1e-8a52-4a6b-9f0e-5f2f3a1b7c90", "b7a9c2d4-0b3c-4d5e-8f6a-1c2d3e4f5a6b"
ABOUT = {"id": CAR, "make": "POLESTAR", "model": "2", "year": 2023}
TOKEN = "a-management-token-for-tests"
HOME = {"latitude": 30.2672, "longitude": -97.7431}


def raw(said: Any) -> bytes:
    """JSON, or bytes as they are."""
    return said if isinstance(said, bytes) else json.dumps(said).encode()


def payload(said: Any, kind: str, vehicle: str | None = CAR, **headers: str) -> Payload:
    """A payload as a collection makes it."""
    named = {"vehicle": vehicle} if vehicle else {}
    about = {"timezone": "America/Chicago", **named, **{k.replace("_", "-"): v for k, v in headers.items()}}
    source = Source.WEBHOOK if kind == WEBHOOK else Source.POLL
    return Payload("smartcar", source, raw(said), RECEIVED, kind, "application/json", about)


def entry(path: str, body: Any, code: Any = 200, age: Any = STAMP, **headers: Any) -> dict[str, Any]:
    """One path of a batch; `age` None leaves the time out."""
    timed = {"sc-data-age": age} if age is not None else {}
    return {"path": path, "code": code, "body": body, "headers": {**timed, **headers}}


def batch(*entries: Any) -> Payload:
    """A batch of one car."""
    return payload({"responses": list(entries)}, BATCH, make="POLESTAR", model="2", year="2023")


def refused(
    path: str, status: int, type: str, code: str | None = None, resolution: Any = None
) -> dict[str, Any]:
    """A path of a batch that answered an error, without headers."""
    body = {"type": type, "code": code, "statusCode": status, "description": "x", "resolution": resolution}
    return {"path": path, "code": status, "body": body}


def signal(
    code: str, body: Any, status: Any = "SUCCESS", meta: Any = None, error: Any = None
) -> dict[str, Any]:
    """A signal as v3 lists it; `meta` None gives it AT as ISO text, `status` None leaves that out."""
    said: dict[str, Any] = {"value": status, **({"error": error} if error else {})}
    group, _, name = code.partition("-")
    attributes = {"code": code, "group": group, "name": name, "body": body}
    if status is not None:
        attributes["status"] = said
    times = {
        "oemUpdatedAt": STAMP,
        "retrievedAt": "2026-07-04T12:00:00Z",
        "ingestedAt": "2026-07-04T12:01:00Z",
    }
    return {"id": code, "type": "signal", "attributes": attributes, "meta": times if meta is None else meta}


def signals(*items: Any, **more: Any) -> Payload:
    """A list of signals of one car."""
    return payload(listed(*items, **more), SIGNALS)


def listed(*items: Any, **more: Any) -> dict[str, Any]:
    """The body of a list of signals."""
    about = {k: v for k, v in ABOUT.items() if k != "id"}
    included = {"vehicle": {"id": CAR, "type": "vehicle", "attributes": about}}
    meta = {"totalCount": len(items), "pageSize": len(items), "pageNumber": 1}
    return {"data": list(items), "meta": meta, "links": {}, "included": included, **more}


def flat(code: str, body: Any, status: Any = "SUCCESS", meta: Any = None) -> dict[str, Any]:
    """A webhook's signal; `meta` None gives it AT in milliseconds, `status` None leaves that out."""
    said = {"code": code, "name": "x", "group": "y", "body": body}
    said["meta"] = {"oemUpdatedAt": MS, "retrievedAt": MS + 60_000} if meta is None else meta
    return said if status is None else {**said, "status": {"value": status}}


def state(
    *items: Any, inside: bool = False, triggers: Any = (), meta: Any = None, **more: Any
) -> dict[str, Any]:
    """A VEHICLE_STATE; `inside` puts triggers and meta below `data`."""
    about = {
        "version": "4.0",
        "deliveryId": "d",
        "deliveredAt": MS + 120_000,
        "webhookId": "w",
        "mode": "LIVE",
    }
    around = {"triggers": list(triggers), "meta": {**about, **(meta or {})}}
    data = {"user": {"id": USER}, "vehicle": ABOUT, "signals": list(items), **(around if inside else {})}
    return {
        "eventId": "e-1",
        "eventType": "VEHICLE_STATE",
        "data": data,
        **({} if inside else around),
        **more,
    }


def trouble(*errors: Any, **more: Any) -> dict[str, Any]:
    """A VEHICLE_ERROR."""
    said = state(**more)
    data = {key: value for key, value in said["data"].items() if key != "signals"}
    return {**said, "eventType": "VEHICLE_ERROR", "vehicleId": CAR, "data": {**data, "errors": list(errors)}}


def error(type: str, code: str | None, state: str | None = "ERROR", **more: Any) -> dict[str, Any]:
    """One error of a VEHICLE_ERROR."""
    said = {"type": type, "code": code, "state": state, "description": "x", **more}
    return {key: value for key, value in said.items() if value is not None}


def verify(challenge: Any = "any-abcd", old: bool = False) -> dict[str, Any]:
    """A challenge, of version 4.0 or 2.0."""
    if old:
        return {
            "version": "2.0",
            "webhookId": "w",
            "eventName": "verify",
            "payload": {"challenge": challenge},
        }
    return {
        "eventId": "e",
        "eventType": "VERIFY",
        "data": {"challenge": challenge},
        "meta": {"version": "4.0"},
    }


def scheduled(*entries: Any, name: str = "schedule", mode: str = "live", **car: Any) -> dict[str, Any]:
    """A webhook of version 2.0 that came by itself."""
    one = {
        "vehicleId": CAR,
        "requestId": "r-1",
        "timestamp": "2026-07-04T12:00:00Z",
        "data": list(entries),
        **car,
    }
    around = {"version": "2.0", "webhookId": "w", "eventName": name, "mode": mode}
    return {**around, "payload": {"vehicles": [one]}}


def event(type: str, time: Any = STAMP) -> dict[str, Any]:
    """A charging event of version 2.0."""
    said = {"eventId": "e-2", "vehicleId": CAR, "eventType": type, "eventTime": time}
    return {"version": "2.0", "webhookId": "w", "eventName": "eventBased", "mode": "live", "payload": said}


def signed(body: bytes, token: str = TOKEN) -> dict[str, str]:
    """The header with which the vendor signs."""
    return {"SC-Signature": hmac.new(token.encode(), body, "sha256").hexdigest()}


def connection(
    vehicle: str = CAR, user: str = USER, external: str | None = "x-1", mode: str = "live"
) -> dict[str, Any]:
    """A row of v3's list of connections."""
    about = {"make": "POLESTAR", "model": "2", "year": 2023, "mode": mode, "powertrainType": "BEV"}
    return {
        "id": f"c-{vehicle}",
        "type": "connection",
        "attributes": {
            "permissions": ["read_battery"],
            "vehicle": about,
            "user": {"id": user, "externalId": external},
        },
        "relationships": {
            "vehicle": {"data": {"id": vehicle, "type": "vehicle"}},
            "user": {"data": {"id": user, "type": "user"}},
        },
    }
