"""/v1/usage-points: what is measured, its gaps, its overruled readings, its observations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from wattledger import localday, units
from wattledger.model import Flow
from wattledger.store.observed.observations import ObservationRow
from wattledger.store.people.principal import Principal
from wattledger.store.rows import Coverage, Gap, Said, UsagePointRow
from wattledger.web.answers import Json
from wattledger.web.auth import Manager, User, actor, scope_of
from wattledger.web.hub import Hub, hub
from wattledger.web.jsonbody import Body, Text, described, json_body
from wattledger.web.parameters import bounded, public_id
from wattledger.web.v1 import shapes
from wattledger.web.v1.answered import answers
from wattledger.web.v1.period import period

router = APIRouter(prefix="/v1/usage-points", tags=["Usage points"])


class FlowName(StrEnum):
    """The direction of energy: delivered to the site, received from it."""

    DELIVERED = "delivered"
    RECEIVED = "received"

    @property
    def flow(self) -> Flow:
        """The flow of that name."""
        return Flow[self.name]


async def find_point(request: Request, person: Principal, id: str) -> UsagePointRow:
    """A usage point of the person's site. Raises NotFound."""
    return await hub(request).store.points.get(public_id(id, "usage point"), scope_of(person))


@router.get("", responses=answers(shapes.UsagePoints))
async def usage_points(request: Request, person: User) -> Json:
    """List the site's usage points with what is known of them."""
    store = hub(request).store
    points = await store.points.list(scope_of(person))
    known = [await store.energy.coverage(point, Flow.DELIVERED) for point in points]
    return Json({"usage_points": [point_json(p, c) for p, c in zip(points, known, strict=True)]})


@router.get("/{id}", responses=answers(shapes.UsagePointByFlow))
async def usage_point(request: Request, person: User, id: str) -> Json:
    """Show one usage point with its coverage by flow."""
    point = await find_point(request, person, id)
    energy = hub(request).store.energy
    flows = {flow.name.lower(): coverage_json(await energy.coverage(point, flow)) for flow in Flow}
    return Json({**point_json(point, await energy.coverage(point, Flow.DELIVERED)), "flows": flows})


class Change(Body):
    """A new name or zone for a usage point."""

    name: Text | None = None
    timezone: Text | None = None


@router.patch("/{id}", responses=answers(shapes.UsagePoint), openapi_extra=described(Change))
async def change_point(
    request: Request, person: Manager, id: str, change: Annotated[Change, Depends(json_body(Change))]
) -> Json:
    """Rename a usage point, or move it to another zone: its days are then recomputed."""
    point, store = await find_point(request, person, id), hub(request).store
    if change.name:
        await store.points.rename(point.id, change.name, scope_of(person), actor(person))
    if change.timezone:
        await store.points.set_timezone(point.id, change.timezone, scope_of(person), actor(person))
    changed = await store.points.get(point.id, scope_of(person))
    return Json(point_json(changed, await store.energy.coverage(changed, Flow.DELIVERED)))


@router.get("/{id}/gaps", responses=answers(shapes.Gaps))
async def gaps(
    request: Request,
    person: User,
    id: str,
    start: str | None = None,
    end: str | None = None,
    flow: FlowName = FlowName.DELIVERED,
) -> Json:
    """List runs of quarter-hours without a reading; without bounds, between the known days."""
    point, found = await find_point(request, person, id), hub(request)
    first, last = await _days_asked(found, point, flow.flow, start, end)
    runs = await found.store.energy.gaps(point, flow.flow, first, last) if first <= last else []
    return Json({"flow": flow, "timezone": point.timezone, "gaps": [gap_json(run) for run in runs]})


@router.get("/{id}/revisions", responses=answers(shapes.Revisions))
async def revisions(
    request: Request,
    person: User,
    id: str,
    start: str | None = None,
    end: str | None = None,
    flow: FlowName = FlowName.DELIVERED,
) -> Json:
    """List readings that were overruled: the value that lost and the one that holds."""
    point, found = await find_point(request, person, id), hub(request)
    first, last = await _days_asked(found, point, flow.flow, start, end)
    changed = await found.store.energy.revisions(point, flow.flow, first, last)
    listed = [
        {"start": r.start, "losing": _said(r.losing), "winning": _said(r.winning), "conflict": r.conflict}
        for r in changed
    ]
    return Json({"unit": "kWh", "flow": flow, "timezone": point.timezone, "revisions": listed})


@router.get("/{id}/observations", responses=answers(shapes.Observations))
async def observations(
    request: Request,
    person: User,
    id: str,
    start: str | None = None,
    end: str | None = None,
    limit: str | None = None,
) -> Json:
    """List what the device said at its moments, oldest first."""
    point, found = await find_point(request, person, id), hub(request)
    span = period(point, "day", start, end, found.clock.now())
    most = bounded("limit", limit, 1000, 10_000)
    rows = await found.store.observations.list(point, span.start, span.end, limit=most)
    return Json({"observations": [_observation_json(row) for row in rows]})


def _observation_json(row: ObservationRow) -> dict[str, Any]:
    """An observation as JSON; with its verdict and what it booked (Wh) where it reports a register."""
    judged = {"verdict": row.verdict, "booked_wh": row.booked_wh} if row.verdict else {}
    return {"at": row.at, "values": row.values, "payload": str(row.payload), **judged}


async def _days_asked(
    found: Hub, point: UsagePointRow, flow: Flow, start: str | None, end: str | None
) -> tuple[int, int]:
    """The local days of a question, both included; without bounds those that are known."""
    if start or end:
        span = period(point, "day", start, end, found.clock.now())
        return span.first_day, span.last_day
    known = await found.store.energy.coverage(point, flow)
    if known.first_day is None or known.last_day is None:
        return 0, -1
    return localday.number(known.first_day), localday.number(known.last_day)


def point_json(point: UsagePointRow, known: Coverage) -> dict[str, Any]:
    """A usage point as JSON."""
    return {
        "id": point.id,
        "kind": point.kind,
        "external_id": point.external_id,
        "name": point.name,
        "timezone": point.timezone,
        "connector": point.connector,
        "details": point.details,
        "created_at": point.created_at,
        "coverage": coverage_json(known),
    }


def coverage_json(known: Coverage) -> dict[str, Any]:
    """A coverage as JSON; days local, energy in kWh."""
    return {
        "first_day": known.first_day,
        "last_day": known.last_day,
        "found": known.found,
        "expected": known.expected,
        "estimated": known.estimated,
        "total_kwh": units.kwh(known.total_wh),
        "newest": known.newest,
    }


def gap_json(gap: Gap) -> dict[str, Any]:
    """A gap as JSON."""
    return {
        "start": gap.start,
        "end": gap.end,
        "slots": gap.slots,
        "first_day": gap.first_day,
        "last_day": gap.last_day,
    }


def _said(said: Said | None) -> dict[str, Any] | None:
    if said is None:
        return None
    return {
        "kwh": units.kwh(said.wh),
        "quality": said.quality,
        "revision": said.revision,
        "payload": str(said.payload),
    }
