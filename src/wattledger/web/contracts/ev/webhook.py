"""POST /webhooks/smartcar: what cars report by themselves.

    signed with SMARTCAR_MANAGEMENT_TOKEN (or _NEXT) over the bytes as they came     200 after commit
    a challenge, which the vendor does not sign                                      200 with its answer
    anything else                                                                    401, nothing of it read

A 2xx is the vendor's leave to forget, so it follows the commit; what it would be useless to send again (a
trial, an unknown car, another person's car, an event that came before) is answered 200 and counted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from wattledger import connectors
from wattledger.connectors.smartcar.parse import WEBHOOK
from wattledger.connectors.smartcar.places import holds_places, of_one, without_location
from wattledger.connectors.webhooks import Call, Webhook
from wattledger.errors import BadPayload, Refused, WattledgerError
from wattledger.faults import sabotaged
from wattledger.model import Payload, Source
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.outcome import STOPPED
from wattledger.web.answers import Denied, Json
from wattledger.web.contracts.ev.cars import NAME, Car, keeps_location, lost_since, reached
from wattledger.web.contracts.ev.grant import SIGNED
from wattledger.web.guards import public
from wattledger.web.hub import Hub, hub

router = APIRouter(tags=["Cars"])
log = structlog.get_logger("wattledger.web")
VARIABLE = "SMARTCAR_MANAGEMENT_TOKEN"
LONGEST_CHALLENGE = 4096
"""bytes of an unsigned body that are looked at"""
STILL_SENT = timedelta(minutes=5)
"""for which the vendor sends an event again that was not taken: three times within three minutes"""
SETTLED = timedelta(hours=1)
TAKEN = {"ok": True}


@router.post("/webhooks/smartcar", dependencies=[Depends(public)])
async def webhook(request: Request) -> Response:
    """Take in what Smartcar reports of a car, once for each event; answers its challenge."""
    found, secrets = hub(request), _secrets(hub(request))
    body = await request.body()
    vendor = connectors.connector(NAME)
    assert isinstance(vendor, Webhook)
    try:
        vendor.verify(request.headers, body, secrets)
    except Refused:
        return _unsigned(request, found, vendor, body, secrets)
    try:
        if answer := vendor.reply(body, secrets):
            return Response(answer.body, answer.status, media_type=answer.mime)
        call = vendor.call(body)
    except BadPayload as error:
        log.warning("webhook not understood", reason=str(error))
        return _counted(found, "unreadable")
    if call.test and not sabotaged("webhook_test"):
        return _counted(found, "test")
    return _counted(found, await take_in(found, call, body))


def _secrets(found: Hub) -> list[str]:
    """The accepted keys of signatures. Raises Denied 503 that names the variable."""
    named = (found.settings.smartcar_management_token, found.settings.smartcar_management_token_next)
    secrets = [secret.get_secret_value() for secret in named if secret]
    if not secrets:
        raise Denied(503, {"ok": False, "error": f"{VARIABLE} not configured"})
    return secrets


def _unsigned(request: Request, found: Hub, vendor: Webhook, body: bytes, secrets: list[str]) -> Response:
    """Answer a challenge; refuse all else, and many tries from one address for a while."""
    address = request.client.host if request.client else "unknown"
    try:
        answer = vendor.reply(body, secrets) if len(body) <= LONGEST_CHALLENGE else None
    except BadPayload:
        answer = None
    if answer is not None:
        found.failures.check(f"challenge {address}")
        found.metrics.called("challenge")
        return Response(answer.body, answer.status, media_type=answer.mime)
    found.metrics.called("unsigned")
    found.metrics.refused_secret()
    found.failures.check(address)
    raise Denied(401, {"ok": False, "error": "BAD_SIGNATURE", "message": "The signature is not ours."})


def _counted(found: Hub, outcome: str) -> Response:
    found.metrics.called(outcome)
    return Json(TAKEN)


async def take_in(found: Hub, call: Call, body: bytes) -> str:
    """Store an event for the car that it speaks of. Returns what became of it, in one word."""
    outcome = "unknown"
    for external_id in dict.fromkeys(call.external_ids):
        row = await found.store.vehicles.by_external(external_id)
        if row is None or row.connection is None:
            continue
        car = await reached(found.store, row)
        assert car.connection is not None
        outcome = await _store(found, car, car.connection, call, body)
    return outcome


async def _store(found: Hub, car: Car, link: ConnectionRow, call: Call, body: bytes) -> str:
    """Into the site of the car's own connection, and nowhere else."""
    user = link.options.get("user_id")
    if user and call.user and call.user != user and not sabotaged("webhook_user"):
        return "other_user"
    event = None if sabotaged("webhook_dedupe") else call.event
    if event and len(call.external_ids) > 1:
        event = f"{event}:{car.row.external_id}"
    payload = _payload(found, car, link, body)
    found.disk.check()
    kept = await found.store.payloads.receive(car.row.site, payload, event)
    if kept.duplicate:
        return "duplicate"
    if call.consequence is not None and not _outdated(found, link):
        await _heed(found, car, link, call.consequence)
    elif _over(found, car, link, call):
        await _recover(found, car, link)
    return "stored"


async def _heed(found: Hub, car: Car, link: ConnectionRow, error: WattledgerError) -> None:
    """What one car's error means: a connection of that car alone stops, another asks the car again soon."""
    vehicles, links = found.store.vehicles, found.store.connections
    told = {"kind": "WEBHOOK", "then": "reconnect", "message": str(error)}
    told["at"] = found.clock.now().isoformat()
    await vehicles.note(car.row.id, car.row.site, {"trouble": told})
    if len(await vehicles.of_connection(link.id)) < 2 or sabotaged("webhook_one_car"):
        await links.stop(link.id, car.row.site, error)
    elif link.state not in STOPPED:
        await links.resume(link.id, car.row.site, by=f"webhook {NAME}")


def _over(found: Hub, car: Car, link: ConnectionRow, call: Call) -> bool:
    """Whether what stands in the way of a car may be over: the vendor says so, or has reached it since.

    News within an hour may be older than the error.
    """
    since = lost_since(car.row) or (link.last_asked if link.state == "needs_login" else None)
    if since is None or sabotaged("webhook_recovers"):
        return False
    return call.healed or (call.answered and found.clock.now() - since >= SETTLED)


async def _recover(found: Hub, car: Car, link: ConnectionRow) -> None:
    """The car is asked soon, also by a connection that had stopped for it: polling tells."""
    await found.store.vehicles.note(car.row.id, car.row.site, {"trouble": None})
    if link.state == "needs_login" or link.state not in STOPPED:
        await found.store.connections.resume(link.id, car.row.site, by=f"webhook {NAME}")


def _outdated(found: Hub, link: ConnectionRow) -> bool:
    """Whether the owner signed in so lately that the error may be the one they mended: polling will tell."""
    at = link.options.get(SIGNED)
    return at is not None and found.clock.now() - datetime.fromisoformat(at) < STILL_SENT


def _payload(found: Hub, car: Car, link: ConnectionRow, body: bytes) -> Payload:
    own = of_one(body, car.row.external_id)
    kept = own if keeps_location(car.row) else without_location(own)
    private, now = holds_places(kept), found.clock.now()
    headers = {"connection": link.id, "vehicle": car.row.external_id, "timezone": car.row.timezone}
    return Payload(NAME, Source.WEBHOOK, kept, now, WEBHOOK, "application/json", headers, private=private)
