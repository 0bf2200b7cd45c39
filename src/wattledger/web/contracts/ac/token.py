"""GET and POST /token: the pasted SmartThings token, never shown whole."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from wattledger.errors import Refused
from wattledger.secrets import SecretUnreadable
from wattledger.store.sources.connections import ConnectionRow
from wattledger.web.answers import Denied, Json
from wattledger.web.auth import Manager, User, actor
from wattledger.web.contracts.ac import pasted
from wattledger.web.hub import Hub, hub
from wattledger.web.jsonbody import read_json

router = APIRouter(tags=["Air conditioners"])
NEVER = {"expiresAt": None, "secondsLeft": None, "tokenMasked": None, "updatedAt": None}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["token"],
                    "properties": {"token": {"type": "string"}},
                }
            }
        },
    }
}


@router.get("/token")
async def token(request: Request, person: User, connection: str | None = None) -> Json:
    """Show the SmartThings token masked, when it was set and how long it lives."""
    found = hub(request)
    row = await pasted.chosen(found.store, person.site, connection)
    return Json(await token_json(found, row))


async def token_json(found: Hub, row: ConnectionRow | None) -> dict[str, Any]:
    """The contract's four keys, and how the connection signs in."""
    if row is None:
        return NEVER
    try:
        secrets = await found.store.connections.secrets(row.id, row.site)
    except SecretUnreadable as error:
        return {**NEVER, "connection": row.id, "signIn": None, "message": str(error)}
    window = pasted.window_of(secrets)
    about = {"connection": row.id, "signIn": "token" if window else "oauth"}
    if window is None:
        return {**NEVER, **about}
    return {
        "expiresAt": window.expires,
        "secondsLeft": window.left(found.clock.now()),
        "tokenMasked": window.masked,
        "updatedAt": window.updated,
        **about,
    }


@router.post("/token", openapi_extra=BODY)
async def set_token(request: Request, person: Manager, connection: str | None = None) -> Json:
    """Store a new SmartThings token and begin its 24 hours; the same one changes nothing."""
    found = hub(request)
    text = _token(await _body(request))
    row = await pasted.to_paste(found.store, person.site, connection)
    try:
        done = await pasted.place(
            found.store,
            found.clock,
            found.settings.smartthings_base_url,
            person.site,
            text,
            actor(person),
            row,
        )
    except Refused as error:
        raise Denied(400, {"error": str(error)}) from None
    since = done.window.updated if done.reset else found.clock.now()
    answer: dict[str, Any] = {
        "ok": True,
        "reset": done.reset,
        "secondsLeft": done.window.left(since),
        "updatedAt": done.window.updated,
        "connection": done.connection.id,
    }
    return Json({**answer, "warning": done.warning} if done.warning else answer)


async def _body(request: Request) -> Any:
    try:
        return await read_json(request)
    except Refused as error:
        raise Denied(error.status, {"error": str(error)}) from None


def _token(body: Any) -> str:
    said = body.get("token") if isinstance(body, dict) else None
    if said is None:
        return ""
    if not isinstance(said, str):
        raise Denied(400, {"error": "Token must be text"})
    return said
