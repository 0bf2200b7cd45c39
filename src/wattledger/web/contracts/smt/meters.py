"""Whose a meter is: the operator gives one to a site, or a site asks its customer for an agreement.

POST /v1/usage-points                 {esiid, site}: by ESIID, known or not yet
POST /v1/usage-points/{id}/assign     {site}: one that is known
POST /v1/agreements                   asks for an agreement; the first data makes the meter the site's
GET  /v1/agreements                   meters that the site waits for
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request

from wattledger.connectors.smart_meter_texas.interval.intake import meter
from wattledger.errors import Refused
from wattledger.model import Flow, PointKind
from wattledger.store import Store
from wattledger.store.people.email import normal_email
from wattledger.store.rows import UsagePointRow
from wattledger.web.answers import Json
from wattledger.web.auth import Manager, Operator, User, actor, scope_of
from wattledger.web.contracts.smt.fields import esiid
from wattledger.web.hub import hub
from wattledger.web.jsonbody import Body, Text, described, json_body
from wattledger.web.parameters import public_id
from wattledger.web.trigger import TriggerFailed
from wattledger.web.v1 import people_shapes, shapes
from wattledger.web.v1.answered import answers
from wattledger.web.v1.points import point_json

router = APIRouter(prefix="/v1", tags=["Usage points"])
NAME = "smart_meter_texas"
ASKED = "The customer was asked by mail; once they agree, the meter's readings come to this site."


class NewMeter(Body):
    """A meter, and the id of the site that it belongs to."""

    esiid: Text
    site: Text


class Assignment(Body):
    """The id of the site that a meter belongs to from now on."""

    site: Text


class NewAgreement(Body):
    """What the utility wants to know to ask its customer; `email` is the customer's."""

    esiid: Text
    email: Text
    meter_number: Text
    puct_number: Text
    months: Literal[1, 3, 6, 9, 12] = 12


@router.post(
    "/usage-points",
    status_code=201,
    responses=answers(shapes.UsagePoint, 201),
    openapi_extra=described(NewMeter),
)
async def give(
    request: Request, person: Operator, new: Annotated[NewMeter, Depends(json_body(NewMeter))]
) -> Json:
    """Give a meter to a site by its ESIID, whether or not anything was read of it yet."""
    store = hub(request).store
    point = await assign_meter(store, esiid(new.esiid), public_id(new.site, "site"), actor(person))
    return Json(point_json(point, await store.energy.coverage(point, Flow.DELIVERED)), 201)


@router.post(
    "/usage-points/{id}/assign", responses=answers(shapes.UsagePoint), openapi_extra=described(Assignment)
)
async def assign(
    request: Request, person: Operator, id: str, to: Annotated[Assignment, Depends(json_body(Assignment))]
) -> Json:
    """Give a meter of any site to another one; its readings go with it."""
    store = hub(request).store
    point = await store.points.get(public_id(id, "usage point"), None)
    if point.kind != PointKind.METER:
        raise Refused("Only meters are given to a site; a device goes where its sign-in is.", "NOT_A_METER")
    point = await store.points.assign(point.external_id, public_id(to.site, "site"), actor(person))
    return Json(point_json(point, await store.energy.coverage(point, Flow.DELIVERED)))


@router.get("/agreements", responses=answers(people_shapes.Agreements))
async def waiting(request: Request, person: User) -> Json:
    """List the meters that the site asked an agreement for and that have sent nothing yet."""
    rows = await hub(request).store.meter_claims.list(scope_of(person))
    return Json({"agreements": [{"esiid": r.external_id, "asked_at": r.created_at} for r in rows]})


@router.post(
    "/agreements",
    status_code=202,
    responses=answers(shapes.Done, 202),
    openapi_extra=described(NewAgreement),
)
async def agree(
    request: Request, person: Manager, new: Annotated[NewAgreement, Depends(json_body(NewAgreement))]
) -> Json:
    """Ask the utility's customer for an agreement; refused for a meter that another site holds."""
    found, wanted = hub(request), esiid(new.esiid)
    wish = {"reason": "smt_request", "esiid": wanted, "request": _wish(new, wanted)}
    found.links.check(f"agreement {person.site}")
    await found.store.meter_claims.check(wanted, person.site)
    try:
        await found.trigger(wish)
    except TriggerFailed as error:
        return Json(error.body, error.status)
    await found.store.meter_claims.claim(wanted, person.site, person.user_id, actor(person))
    return Json({"ok": True, "message": ASKED}, 202)


async def assign_meter(store: Store, wanted: str, site: str, by: str) -> UsagePointRow:
    """Give a meter to a site; one that nothing is known of is made. Raises NotFound."""
    return await store.points.assign(wanted, site, by, (NAME, meter(wanted)))


def _wish(new: NewAgreement, wanted: str) -> dict[str, Any]:
    meters = [{"esiid": wanted, "meter_number": new.meter_number, "puct_number": new.puct_number}]
    return {"kind": "agreement_new", "email": normal_email(new.email), "months": new.months, "meters": meters}
