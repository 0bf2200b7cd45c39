"""What the simulated Smartcar pushes: bodies of webhook events, before they are delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from wattledger.clock import token
from wattledger.simulators.driving import State
from wattledger.simulators.smartcar_errors import resolution_of
from wattledger.simulators.smartcar_garage import Grant, named_id
from wattledger.simulators.smartcar_signals import SIGNALS, item
from wattledger.simulators.smartcar_v3 import attributes
from wattledger.simulators.smartcar_vendor import Vendor, Webhook, stamp

Event = dict[str, Any]
VERSION = "4.0"
TRIGGERS = (
    "tractionbattery-stateofcharge",
    "charge-ischarging",
    "charge-ischargingcableconnected",
    "odometer-traveleddistance",
    "location-preciselocation",
)


def verify(hook: Webhook, challenge: str, *, v2: bool = False) -> Event:
    """The challenge, which comes unsigned."""
    if v2:
        return {
            "version": "2.0",
            "webhookId": hook.id,
            "eventName": "verify",
            "payload": {"challenge": challenge},
        }
    return {
        "eventId": _new(),
        "eventType": "VERIFY",
        "data": {"challenge": challenge},
        "meta": {"version": VERSION, "webhookId": hook.id, "webhookName": hook.name},
    }


def vehicle_state(
    vendor: Vendor, grant: Grant, when: datetime, *, codes: Iterable[str] | None = None,
    triggers: Sequence[str] = (), mode: str | None = None, within: bool = False,
) -> Event:  # fmt: skip
    """Signals as known at an instant. `within`: triggers and meta lie in `data`, as they also come."""
    signals = [item(vendor, grant, code, when) for code in (SIGNALS if codes is None else codes)]
    meta = {**_meta(vendor, grant, when, mode), "signalCount": len(signals)}
    data: dict[str, Any] = {**_whose(grant), "signals": signals}
    why = [_trigger(code) for code in triggers] or [{"type": "FIRST_DELIVERY"}]
    if within:
        return _event("VEHICLE_STATE", {**data, "triggers": why, "meta": meta})
    return {**_event("VEHICLE_STATE", data), "triggers": why, "meta": meta}


def vehicle_error(
    vendor: Vendor, grant: Grant, type: str, code: str | None, when: datetime, *,
    resolved: bool = False, signals: Sequence[str] = (), mode: str | None = None,
) -> Event:  # fmt: skip
    """Something is wrong with a vehicle, or is well again."""
    error: dict[str, Any] = {
        "type": type,
        "code": code,
        "state": "RESOLVED" if resolved else "ERROR",
        "description": "Simulated.",
    }
    if not resolved:
        error["resolution"] = {"type": resolution_of(type, code)}
    if signals:
        error["signals"] = [_named(code) for code in signals]
    event = _event("VEHICLE_ERROR", {**_whose(grant), "errors": [error]})
    return {**event, "vehicleId": grant.vehicle.id, "meta": _meta(vendor, grant, when, mode)}


def charging_event(vendor: Vendor, grant: Grant, type: str, when: datetime, *, mode: str = "live") -> Event:
    """v2's event: CHARGING_STARTED, CHARGING_STOPPED or CHARGING_COMPLETED."""
    payload = {"eventId": _new(), "vehicleId": grant.vehicle.id, "eventType": type, "eventTime": stamp(when)}
    hook = vendor.webhooks[0].id
    return {
        "version": "2.0",
        "webhookId": hook,
        "eventName": "eventBased",
        "mode": mode,
        "payload": payload,
    }


def changes(vendor: Vendor, grant: Grant, since: datetime, until: datetime) -> Iterator[Event]:
    """The states to push for what a car did in [since, until)."""
    car = grant.vehicle.car
    before = car.state_at(since - timedelta(seconds=1))
    for when in car.changes(since, until):
        now = car.state_at(when)
        if changed := _changed(before, now):
            yield vehicle_state(vendor, grant, when, triggers=changed)
        before = now


def _changed(before: State, now: State) -> list[str]:
    pairs = (
        (round(before.soc, 2), round(now.soc, 2)),
        (before.charging, now.charging),
        (before.plugged, now.plugged),
        (round(before.odometer), round(now.odometer)),
        ((before.latitude, before.longitude), (now.latitude, now.longitude)),
    )
    return [code for code, (one, other) in zip(TRIGGERS, pairs, strict=True) if one != other]


def _event(type: str, data: Event) -> Event:
    return {"eventId": _new(), "eventType": type, "data": data}


def _whose(grant: Grant) -> Event:
    user = {"id": grant.user, **({"externalId": grant.external_id} if grant.external_id else {})}
    return {"user": user, "vehicle": {"id": grant.vehicle.id, **attributes(grant.vehicle, grant.mode)}}


def _meta(vendor: Vendor, grant: Grant, when: datetime, mode: str | None) -> Event:
    hook = vendor.webhooks[0]
    return {
        "version": VERSION,
        "webhookId": hook.id,
        "webhookName": hook.name,
        "applicationId": vendor.client_id,
        "mode": mode or grant.mode.upper(),
        "sequence": round(when.timestamp() * 1000),
    }


def _named(code: str) -> Event:
    signal = SIGNALS[code]
    return {"code": code, "name": signal.name, "group": signal.group}


def _trigger(code: str) -> Event:
    return {"type": "SIGNAL_UPDATED", "signal": _named(code)}


def _new() -> str:
    return named_id(token(16))
