"""/v1/people and /v1/invitations: who belongs to the site, and who is asked to."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from wattledger.store.people.invitations import InvitationRow
from wattledger.store.people.members import MemberRow
from wattledger.store.people.principal import ROLES, Principal, Role
from wattledger.web import people as acts
from wattledger.web.answers import Json
from wattledger.web.auth import Manager, Owner, User, actor
from wattledger.web.hub import hub
from wattledger.web.jsonbody import Body, Text, described, json_body
from wattledger.web.parameters import public_id
from wattledger.web.v1 import people_shapes as shapes
from wattledger.web.v1.answered import answers

router = APIRouter(prefix="/v1", tags=["People"])


class NewRole(Body):
    """What a member may do from now on."""

    role: Role


class NewInvitation(Body):
    """Whom to invite, and as what."""

    email: Text
    role: Role = "member"


@router.get("/people", responses=answers(shapes.People))
async def people(request: Request, person: User) -> Json:
    """List the site's people with their roles."""
    rows = await hub(request).store.people.members(person.site)
    return Json({"people": [member_json(row, person) for row in rows]})


@router.post("/people/leave", responses=answers(shapes.Done))
async def leave(request: Request, person: User) -> Json:
    """Leave the site; the last owner cannot."""
    await hub(request).store.people.remove_member(person.user_id, person.site, actor(person))
    return Json({"ok": True})


@router.patch("/people/{id}", responses=answers(shapes.Person), openapi_extra=described(NewRole))
async def change_role(
    request: Request, person: Owner, id: str, new: Annotated[NewRole, Depends(json_body(NewRole))]
) -> Json:
    """Give a member another role."""
    store = hub(request).store
    row = await store.people.set_role(_id(id), person.site, new.role, actor(person))
    return Json(member_json(row, person))


@router.delete("/people/{id}", responses=answers(shapes.Done))
async def remove(request: Request, person: Manager, id: str) -> Json:
    """Take somebody out of the site; their sessions and tokens there end at once."""
    allowed = ROLES if id == person.user_id else acts.over(person)
    await hub(request).store.people.remove_member(_id(id), person.site, actor(person), allowed)
    return Json({"ok": True})


@router.post("/people/{id}/sign-out", responses=answers(shapes.Done))
async def sign_out(request: Request, person: Manager, id: str) -> Json:
    """Sign a member out of every browser; their API tokens go on."""
    await acts.sign_out(request, person, _id(id))
    return Json({"ok": True})


@router.get("/invitations", responses=answers(shapes.Invitations))
async def invitations(request: Request, person: Manager) -> Json:
    """List invitations that nobody has accepted yet."""
    found = hub(request)
    rows = await found.store.people.invitations(person.site, found.clock.now())
    return Json({"invitations": [_invitation(row) for row in rows]})


@router.post(
    "/invitations",
    status_code=201,
    responses=answers(shapes.Done, 201),
    openapi_extra=described(NewInvitation),
)
async def invite(
    request: Request, person: Manager, new: Annotated[NewInvitation, Depends(json_body(NewInvitation))]
) -> Json:
    """Invite somebody by mail; the link is in the mail alone. An earlier one for the address is void."""
    await acts.invite(request, person, new.email, new.role)
    return Json({"ok": True, "message": acts.INVITED}, 201)


@router.delete("/invitations/{id}", responses=answers(shapes.Done))
async def revoke(request: Request, person: Manager, id: str) -> Json:
    """Void an invitation before it is accepted."""
    found = hub(request)
    wanted = public_id(id, "invitation")
    await found.store.people.revoke_invitation(
        wanted, person.site, actor(person), found.clock.now(), acts.over(person)
    )
    return Json({"ok": True})


def member_json(row: MemberRow, asking: Principal) -> dict[str, Any]:
    """A member as JSON."""
    return {
        "id": row.id,
        "email": row.email,
        "role": row.role,
        "since": row.since,
        "last_here": row.used_at,
        "me": row.id == asking.user_id,
    }


def _invitation(row: InvitationRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "email": row.email,
        "role": row.role,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "mailed": row.mailed,
    }


def _id(id: str) -> str:
    return public_id(id, "person here")
