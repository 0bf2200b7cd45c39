"""/v1/me and /v1/tokens: who I am here, and my API tokens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from wattledger.store.people.api_tokens import ApiTokenRow
from wattledger.web.answers import Json
from wattledger.web.auth import User
from wattledger.web.hub import hub
from wattledger.web.jsonbody import Body, Text, described, json_body
from wattledger.web.parameters import public_id
from wattledger.web.v1 import shapes
from wattledger.web.v1.answered import answers

router = APIRouter(prefix="/v1", tags=["Me"])


class NewToken(Body):
    """What a new token is for."""

    name: Text


@router.get("/me", responses=answers(shapes.Me))
async def me(request: Request, person: User) -> Json:
    """Show who is signed in, and their site."""
    site = await hub(request).store.sites.get(person.site)
    place = {"id": site.id, "name": site.name, "timezone": site.timezone}
    return Json({"email": person.email, "role": person.role, "via": person.via, "site": place})


@router.get("/tokens", responses=answers(shapes.Tokens))
async def tokens(request: Request, person: User) -> Json:
    """List my API tokens; the tokens themselves are known to nobody."""
    rows = await hub(request).store.people.api_tokens(person.user_id, person.site)
    return Json({"tokens": [_token(row) for row in rows]})


@router.post(
    "/tokens", status_code=201, responses=answers(shapes.MadeToken, 201), openapi_extra=described(NewToken)
)
async def make_token(
    request: Request, person: User, new: Annotated[NewToken, Depends(json_body(NewToken))]
) -> Json:
    """Make an API token; the answer is the only place where it is shown."""
    word = await hub(request).store.people.api_token(person.email, new.name, person.site)
    return Json({"token": word, "name": new.name, "token_type": "bearer"}, 201)


@router.delete("/tokens/{id}", responses=answers(shapes.Done))
async def revoke_token(request: Request, person: User, id: str) -> Json:
    """End one of my API tokens at once."""
    found = hub(request)
    await found.store.people.revoke_api_token(
        public_id(id, "API token"), person.user_id, found.clock.now(), person.site
    )
    return Json({"ok": True})


def _token(row: ApiTokenRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }
