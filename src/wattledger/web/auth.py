"""Who is asking: a person by session cookie or API token.

    current           the Principal, or None
    require_user      the Principal; LoginRequired (401) without one
    require_manager   the same, for what an owner or an admin of the site may do
    require_owner     for what only an owner may do: people, and the site itself
    require_operator  for what concerns the whole installation: sites, and whose a meter is

Cookie `wattledger_session` (`__Host-wattledger_session` on https), opaque, HttpOnly, SameSite=Lax.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from wattledger.errors import LoginRequired, Refused
from wattledger.faults import sabotaged
from wattledger.store.people.people import Principal
from wattledger.store.people.sessions import LONGEST as LONGEST_SESSION
from wattledger.web.guards import guards
from wattledger.web.hub import Hub, hub

COOKIE = "wattledger_session"
LONGEST_TOKEN = 200


def cookie_name(secure: bool) -> str:
    """The session cookie's name: with the `__Host-` prefix on https."""
    return f"__Host-{COOKIE}" if secure else COOKIE


def scope_of(person: Principal) -> str | None:
    """The site that bounds every query of this person; what lies outside looks as if it did not exist."""
    return None if sabotaged("tenant_scope") else person.site


def session_token(request: Request) -> str | None:
    """The session cookie as sent, if it can be one."""
    found = request.cookies.get(cookie_name(hub(request).secure(request)))
    return found if found and _plausible(found) else None


def set_session(response: Response, request: Request, token: str) -> None:
    """Put a new session into the browser."""
    secure = hub(request).secure(request)
    response.set_cookie(
        cookie_name(secure),
        token,
        max_age=int(LONGEST_SESSION.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def clear_session(response: Response, request: Request) -> None:
    """Take the session out of the browser."""
    secure = hub(request).secure(request)
    response.delete_cookie(cookie_name(secure), path="/", secure=secure, httponly=True, samesite="lax")


async def current(request: Request) -> Principal | None:
    """The person who asks, None where nobody is signed in. A wrong API token is LoginRequired."""
    found: Hub = hub(request)
    if (word := bearer(request)) is not None:
        return await _by_bearer(found, word)
    if (session := session_token(request)) is not None:
        return await found.store.people.session(session, found.clock.now())
    return None


async def _by_bearer(found: Hub, word: str) -> Principal:
    """By API token, or by the access token that a sign-in link gave to a separate front end."""
    people, now = found.store.people, found.clock.now()
    principal = await people.principal_for_api_token(word, now) or await people.session(word, now)
    if principal is None:
        raise LoginRequired("This token is not valid (any more); make a new one.")
    return principal


@guards("session")
async def require_user(principal: Annotated[Principal | None, Depends(current)]) -> Principal:
    """The signed-in person. Raises LoginRequired."""
    if principal is None:
        raise LoginRequired("Sign in, or send an API token as `Authorization: Bearer ...`.")
    return principal


@guards("manager")
async def require_manager(principal: Annotated[Principal | None, Depends(current)]) -> Principal:
    """The signed-in owner or admin of the site. Raises LoginRequired, Refused 403 for a member."""
    person = await require_user(principal)
    if not person.manages and not sabotaged("roles"):
        raise Refused("Only an owner or admin of this site may do that.", "MANAGERS_ONLY", status=403)
    return person


@guards("owner")
async def require_owner(principal: Annotated[Principal | None, Depends(current)]) -> Principal:
    """The signed-in owner. Raises LoginRequired, Refused 403 for anyone else."""
    person = await require_user(principal)
    if person.role != "owner" and not sabotaged("roles"):
        raise Refused("Only an owner of this site may do that.", "OWNERS_ONLY", status=403)
    return person


@guards("operator")
async def require_operator(principal: Annotated[Principal | None, Depends(current)]) -> Principal:
    """Who runs this installation. Raises LoginRequired, Refused 403 for anyone else."""
    person = await require_user(principal)
    if not person.operator and not sabotaged("roles"):
        raise Refused("Only the operator of this installation may do that.", "OPERATORS_ONLY", status=403)
    return person


User = Annotated[Principal, Depends(require_user)]
Manager = Annotated[Principal, Depends(require_manager)]
Owner = Annotated[Principal, Depends(require_owner)]
Operator = Annotated[Principal, Depends(require_operator)]


def actor(person: Principal) -> str:
    """How the audit names a person."""
    return f"person {person.user_id}"


def bearer(request: Request) -> str | None:
    """The token of an Authorization header, None without one. Raises LoginRequired for a malformed one."""
    values = request.headers.getlist("authorization")
    if not values:
        return None
    kind, _, token = values[0].partition(" ")
    if len(values) > 1 or kind.lower() != "bearer" or not _plausible(token.strip()):
        raise LoginRequired("Send one header `Authorization: Bearer <API token>`.")
    return token.strip()


def _plausible(token: str) -> bool:
    return 0 < len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable()
