"""Accepting an invitation: POST uses it up and signs in; GET shows what it is for, and changes nothing."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from wattledger.errors import Refused
from wattledger.web import forms
from wattledger.web.answers import Json
from wattledger.web.guards import public
from wattledger.web.hub import hub
from wattledger.web.jsonbody import is_json
from wattledger.web.signin import caller, reads, signed_in

router = APIRouter(tags=["Sign-in"], dependencies=[Depends(public)])
SPENT = "This invitation was used already, is too old or was taken back; ask for another one."


@router.post("/invitation", openapi_extra=reads("token"))
async def accept(request: Request) -> Response:
    """Accept an invitation and sign in: a form gets the session cookie, JSON an access token."""
    found, values = hub(request), await forms.fields(request)
    found.links.check(f"use {caller(request)}")
    session = await found.store.people.accept(forms.wanted(values, "token"), found.clock.now())
    if session is None:
        raise Refused(SPENT, "INVITATION_SPENT", "token", 401)
    if is_json(request):
        return Json({"access_token": session, "token_type": "bearer"})
    return await signed_in(request, session, "/")
