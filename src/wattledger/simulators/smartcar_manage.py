"""The simulated management API of v3: webhooks as they were made, and vehicles' subscriptions to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from wattledger.simulators.calls import Call
from wattledger.simulators.smartcar_pages import paged, refused
from wattledger.simulators.smartcar_reads import Answer
from wattledger.simulators.smartcar_signals import SIGNALS
from wattledger.simulators.smartcar_vendor import Subscription, Vendor, Webhook, stamp

PAGE = 25


def _webhooks(vendor: Vendor, call: Call, _: re.Match[str]) -> Answer:
    return paged(vendor, call, [_webhook(hook) for hook in vendor.webhooks], PAGE)


def _one_webhook(vendor: Vendor, call: Call, found: re.Match[str]) -> Answer:
    for hook in vendor.webhooks:
        if hook.id == found[1]:
            return Answer(200, {"data": _webhook(hook)}, {})
    return refused("RESOURCE_NOT_FOUND", "WEBHOOK_NOT_FOUND")


def _webhook(hook: Webhook) -> dict[str, Any]:
    named = [{"code": s.code, "name": s.name, "group": s.group} for s in SIGNALS.values()]
    attributes = {
        "name": hook.name,
        "callbackUri": hook.callback,
        "errorCallbackUri": None,
        "isEnabled": hook.enabled,
        "autoSubscribe": False,
        "triggers": named[:6],
        "data": named,
    }
    return {"id": hook.id, "type": "webhook", "attributes": attributes}


def _subscriptions(vendor: Vendor, call: Call, _: re.Match[str]) -> Answer:
    late = vendor.subscribing_late > 0
    vendor.subscribing_late -= late
    wanted = {
        "webhook": call.query.get("filter[webhookId]"),
        "user": call.query.get("filter[userId]"),
        "vehicle": call.query.get("filter[vehicleId]"),
    }
    found = [
        _subscription(vendor, s)
        for s in vendor.subscriptions
        if not late and all(value in (None, getattr(s, name)) for name, value in wanted.items())
    ]
    return paged(vendor, call, found, PAGE)


def _subscription(vendor: Vendor, made: Subscription) -> dict[str, Any]:
    vehicle = vendor.garage.vehicles[made.vehicle]
    attributes = {"make": vehicle.make, "model": vehicle.model, "year": vehicle.year}
    related = {"webhook": made.webhook, "user": made.user, "vehicle": made.vehicle}
    return {
        "type": "subscription",
        "id": made.id,
        "attributes": {"vehicle": {**attributes, "powertrainType": vehicle.powertrain}},
        "meta": {"createdAt": stamp(made.created), "updatedAt": stamp(made.created)},
        "relationships": {kind: {"data": {"id": id, "type": kind}} for kind, id in related.items()},
    }


def _subscribe(vendor: Vendor, call: Call, _: re.Match[str]) -> Answer:
    try:
        wanted = call.json()["data"]["attributes"]
        webhook, user, vehicle = (str(wanted[name]) for name in ("webhookId", "userId", "vehicleId"))
    except (KeyError, TypeError):
        return refused("VALIDATION", "INVALID_INPUT_FORMAT")
    if webhook not in {hook.id for hook in vendor.webhooks} or not vendor.garage.of(user, vehicle):
        return refused("RESOURCE_NOT_FOUND", "NOT_FOUND")
    if not vendor.subscribe(webhook, user, vehicle):
        return refused("VALIDATION", "ALREADY_SUBSCRIBED", status="409")
    return Answer(202, {"meta": {"message": "subscription creation in progress"}}, {})


def _one_subscription(vendor: Vendor, call: Call, found: re.Match[str]) -> Answer:
    for made in vendor.subscriptions:
        if made.id == found[1]:
            if call.method == "GET":
                return Answer(200, {"data": _subscription(vendor, made)}, {})
            vendor.subscriptions.remove(made)
            return Answer(204, {}, {})
    return refused("RESOURCE_NOT_FOUND", "SUBSCRIPTION_NOT_FOUND")


ROUTES: tuple[tuple[str, str, Callable[[Vendor, Call, re.Match[str]], Answer]], ...] = (
    ("GET", r"/webhooks", _webhooks),
    ("GET", r"/webhooks/([^/]+)", _one_webhook),
    ("GET", r"/subscriptions", _subscriptions),
    ("POST", r"/subscriptions", _subscribe),
    ("GET", r"/subscriptions/([^/]+)", _one_subscription),
    ("DELETE", r"/subscriptions/([^/]+)", _one_subscription),
)
