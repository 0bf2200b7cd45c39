"""People of the site: members, roles, invitations; and accepting one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from wattledger.errors import NotFound, WattledgerError
from wattledger.store.people.principal import ROLES, Principal
from wattledger.web import forms
from wattledger.web import people as acts
from wattledger.web.auth import Manager, Owner, User, actor, session_token
from wattledger.web.guards import public
from wattledger.web.hub import hub
from wattledger.web.pages.render import PageRoute, html, page
from wattledger.web.parameters import public_id

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Said = Annotated[str, Query(max_length=20)]
TOLD = {
    "invited": acts.INVITED,
    "revoked": "The invitation is void.",
    "role": "The role is changed.",
    "removed": "They no longer belong to this site.",
    "signed-out": "They are signed out of every browser.",
}


@router.get("/people", summary="People of the site")
async def people(request: Request, person: User, did: Said = "") -> Response:
    """Members with their roles, and invitations that wait."""
    return await _people(request, person, TOLD.get(did))


async def _people(
    request: Request, person: Principal, said: str | None = None, well: bool = True
) -> Response:
    found = hub(request)
    store, roles = found.store.people, acts.over(person)
    waiting = await store.invitations(person.site, found.clock.now()) if person.manages else []
    values = {
        "members": await store.members(person.site),
        "invitations": waiting,
        "over": roles,
        "roles": ROLES,
        "said": said,
        "well": well,
    }
    return await page(request, "people.html", person, "people", **values)


@router.post("/people/invite", summary="Invite somebody")
async def invite(request: Request, person: Manager) -> Response:
    """By mail address, with a role."""
    values = await forms.fields(request)
    try:
        role = values.get("role", "member")
        await acts.invite(request, person, forms.wanted(values, "email"), role)
    except WattledgerError as error:
        return await _people(request, person, str(error), False)
    return _done("invited")


@router.post("/people/invitations/{id}/revoke", summary="Void an invitation")
async def revoke(request: Request, person: Manager, id: str) -> Response:
    """Before it is accepted."""
    found, wanted = hub(request), public_id(id, "invitation")
    await found.store.people.revoke_invitation(
        wanted, person.site, actor(person), found.clock.now(), acts.over(person)
    )
    return _done("revoked")


@router.post("/people/{id}/role", summary="Give a member another role")
async def change_role(request: Request, person: Owner, id: str) -> Response:
    """The last owner stays one."""
    role = forms.wanted(await forms.fields(request), "role")
    try:
        await hub(request).store.people.set_role(_id(id), person.site, role, actor(person))
    except NotFound:
        raise
    except WattledgerError as error:
        return await _people(request, person, str(error), False)
    return _done("role")


@router.post("/people/{id}/remove", summary="Take somebody out of the site")
async def remove(request: Request, person: Manager, id: str) -> Response:
    """Their sessions and tokens here end at once."""
    allowed = ROLES if id == person.user_id else acts.over(person)
    try:
        await hub(request).store.people.remove_member(_id(id), person.site, actor(person), allowed)
    except NotFound:
        raise
    except WattledgerError as error:
        return await _people(request, person, str(error), False)
    return _done("removed")


@router.post("/people/{id}/sign-out", summary="Sign a member out everywhere")
async def sign_out(request: Request, person: Manager, id: str) -> Response:
    """Every browser of theirs; API tokens go on."""
    await acts.sign_out(request, person, _id(id))
    return _done("signed-out")


@router.post("/people/leave", summary="Leave the site")
async def leave(request: Request, person: User) -> Response:
    """The last owner cannot."""
    try:
        await hub(request).store.people.remove_member(person.user_id, person.site, actor(person))
    except WattledgerError as error:
        return await _people(request, person, str(error), False)
    return RedirectResponse("/signin", 303)


@router.post("/site", summary="Go to another of my sites")
async def go_to(request: Request, person: User) -> Response:
    """The session is at another site from now on, and the next sign-in leads there."""
    found, word = hub(request), session_token(request)
    site = public_id(forms.wanted(await forms.fields(request), "site"), "site")
    if person.via != "session" or word is None:
        raise NotFound("There is no such site.")
    await found.store.people.go_to(word, site, found.clock.now())
    return RedirectResponse("/", 303)


@router.get("/invitation", summary="An invitation's button", dependencies=[Depends(public)])
async def invitation(request: Request, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """What it is for, and a button: following the link by itself uses nothing up."""
    found = hub(request)
    row = await found.store.people.invitation(token, found.clock.now()) if token else None
    site = await found.store.sites.get(row.site) if row else None
    status = 200 if row else 410
    return html("invitation.html", status, token=token, row=row, site=site)


def _done(what: str) -> Response:
    return RedirectResponse(f"/people?did={what}", 303)


def _id(id: str) -> str:
    return public_id(id, "person here")
