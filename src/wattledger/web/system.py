"""/healthz, /readyz, /metrics: for the operator's machines."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from wattledger.errors import TryLater
from wattledger.insight.alerts import Kind
from wattledger.store.people.principal import Principal
from wattledger.web.alerts import facts
from wattledger.web.answers import Json, failure
from wattledger.web.auth import bearer, current, require_operator, require_owner
from wattledger.web.contracts.ac import pasted
from wattledger.web.guards import guards, public
from wattledger.web.hub import Hub, hub
from wattledger.web.machine import ADMIN, check

MOST_METERS = 500
router = APIRouter(tags=["System"])


@guards("metrics")
async def require_metrics(request: Request, person: Annotated[Principal | None, Depends(current)]) -> None:
    """The operator's API token as Bearer, or the admin token; of one site alone also its owner's.

    Raises LoginRequired, Refused, Denied.
    """
    if bearer(request) is not None:
        alone = len(await hub(request).store.sites.list()) == 1
        await (require_owner if alone else require_operator)(person)
    else:
        check(request, ADMIN)


@router.get("/healthz", dependencies=[Depends(public)])
async def healthz() -> Json:
    """Say that the process answers."""
    return Json({"ok": True})


@router.get("/readyz", dependencies=[Depends(public)])
async def readyz(request: Request) -> Json:
    """Say whether the hub can take in data: the database answers and the disk has room."""
    found = hub(request)
    try:
        found.disk.check()
        await found.store.ping()
    except TryLater as error:
        status, body, headers = failure(error)
        return Json(body, status, headers)
    return Json({"ok": True, "database": "answers", "free_mib": found.disk.free >> 20})


@router.get("/metrics", dependencies=[Depends(require_metrics)])
async def metrics(request: Request) -> Response:
    """Counters in Prometheus' text format; needs `x-admin-token`, or the operator's API token."""
    found = hub(request)
    await _refresh(found)
    return Response(found.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _refresh(found: Hub) -> None:
    now = found.clock.now()
    for beat in await found.store.connections.heartbeats():
        found.metrics.heartbeat_age.labels(beat.name).set((now - beat.at).total_seconds())
    found.metrics.success_age.clear()
    found.metrics.token_left.clear()
    for row in await found.store.connections.list(None):
        if row.last_success:
            age = (now - row.last_success).total_seconds()
            found.metrics.success_age.labels(row.connector, row.id).set(age)
        if window := await pasted.window(found.store, row):
            found.metrics.token_left.labels(row.id).set(window.left(now))
    await found.metrics.operating.refresh(found.store, now)
    await _alerts(found)
    newest = await found.store.payloads.list(None, limit=1)
    if newest:
        found.metrics.newest_reading_age.set((now - newest[0].received_at).total_seconds())


async def _alerts(found: Hub) -> None:
    """Open alerts, and how old what each meter and car said last is; what is gone is not repeated."""
    now, metrics = found.clock.now(), found.metrics
    metrics.alerts.clear()
    for kind in Kind:
        for level in ("caution", "bad"):
            metrics.alerts.labels(kind.value, level).set(0)
    for word, level, count in await found.store.alerts.counts():
        metrics.alerts.labels(word, level).set(count)
    metrics.meter_age.clear()
    ends = [(row.id, row.end) for row in await found.store.seen.meters() if row.end is not None]
    for id, end in sorted(ends, key=lambda one: one[1])[:MOST_METERS]:
        metrics.meter_age.labels(id).set((now - end).total_seconds())
    metrics.car_age.clear()
    for vehicle in await found.store.vehicles.list(None, active_only=True):
        if heard := facts.success_of(vehicle):
            metrics.car_age.labels(vehicle.id).set((now - heard).total_seconds())
