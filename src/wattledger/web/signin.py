"""Signing in and out, and the first set-up.

POST /v1/auth/link    {email}: always 202, whether or not the address is known
POST /auth/link       consumes a link: a form gets a session cookie, JSON an access token
POST /auth/sign-out   ends the session
POST /auth/sign-out-everywhere   ends all sessions of the person
POST /setup           the one-time set-up link: email, site, timezone; signs the owner in

GET never consumes anything: mail scanners follow links.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from wattledger.errors import Refused
from wattledger.localday import zone
from wattledger.store.people.email import normal_email
from wattledger.store.people.principal import Principal
from wattledger.web import asked, forms, letters
from wattledger.web.answers import Json
from wattledger.web.auth import bearer, clear_session, require_user, session_token, set_session
from wattledger.web.guards import public
from wattledger.web.hub import Hub, hub
from wattledger.web.jsonbody import is_json

router = APIRouter(tags=["Sign-in"])
anyone = [Depends(public)]
SENT = "If this address is known here, a sign-in link is on its way; it works once, for ten minutes."
SPENT = "This link was used already, is too old, or is not one of ours; ask for a new one."
NO_MAIL = "a sign-in link was asked for, but no mail can be sent; `wattledger user link EMAIL` makes one"
_TEXT = {"type": "string"}
log = structlog.get_logger("wattledger.web")


def reads(*names: str) -> dict[str, object]:
    """The `openapi_extra` of a route that reads these fields from a form or from JSON."""
    schema = {"type": "object", "required": list(names), "properties": dict.fromkeys(names, _TEXT)}
    kinds = ("application/json", "application/x-www-form-urlencoded")
    return {"requestBody": {"required": True, "content": {k: {"schema": schema} for k in kinds}}}


@router.post("/v1/auth/link", status_code=202, openapi_extra=reads("email"), dependencies=anyone)
async def ask_for_link(request: Request) -> Response:
    """Ask for a sign-in link by mail address; the answer never tells whether the address is known."""
    found, values = hub(request), await forms.fields(request)
    email = normal_email(forms.wanted(values, "email"))
    found.links.check(caller(request))
    word = asked.asking_word(request)
    found.post.later(_make_link(found, email, found.base_url(request), found.on_loopback(request), word))
    form = RedirectResponse("/signin?sent=1", 303)
    answer = Json({"ok": True, "message": SENT}, 202) if is_json(request) else form
    asked.keep(answer, request, word)
    return answer


async def _make_link(found: Hub, email: str, base: str, show: bool, browser: str) -> None:
    """Beside the answer, so that known and unknown addresses take equally long."""
    if found.mails.take(email):
        return
    word = await found.store.people.start_link(email, found.clock.now(), browser)
    link = f"{base}/auth/link?token={quote(word or '')}"
    if found.post.ready:
        if word:
            found.post.post(letters.sign_in(email, link))
    elif not show:
        log.error("no_mail", message=NO_MAIL)
    elif word:
        found.announce(f"Sign-in link for {email}: {link}")


@router.post("/auth/link", openapi_extra=reads("token"), dependencies=anyone)
async def use_link(request: Request) -> Response:
    """Use up a sign-in link: a form gets the session cookie, JSON an access token."""
    found, values = hub(request), await forms.fields(request)
    found.links.check(f"use {caller(request)}")
    word = forms.wanted(values, "token")
    if not is_json(request):
        await asked.check(request, word, values.get("email"))
    session = await found.store.people.consume_link(word, found.clock.now())
    if session is None:
        raise Refused(SPENT, "LINK_SPENT", "token", 401)
    if is_json(request):
        return Json({"access_token": session, "token_type": "bearer"})
    return await signed_in(request, session, values.get("next", "/"))


@router.post("/auth/sign-out", dependencies=anyone)
async def sign_out(request: Request) -> Response:
    """End this session: the browser's, or the access token's."""
    if (session := bearer(request) or session_token(request)) is not None:
        await hub(request).store.people.end_session(session)
    answer: Response = Json({"ok": True}) if is_json(request) else RedirectResponse("/signin", 303)
    clear_session(answer, request)
    return answer


@router.post("/auth/sign-out-everywhere")
async def sign_out_everywhere(
    request: Request, person: Annotated[Principal, Depends(require_user)]
) -> Response:
    """End every session of the person who asks, this one too; API tokens go on."""
    await hub(request).store.people.end_sessions(person.user_id, site=person.site)
    answer: Response = Json({"ok": True}) if is_json(request) else RedirectResponse("/signin", 303)
    clear_session(answer, request)
    return answer


@router.post("/setup", openapi_extra=reads("token", "email", "site", "timezone"), dependencies=anyone)
async def set_up(request: Request) -> Response:
    """Make the first owner, name the site and sign in; the link works once, while nobody exists."""
    found, values = hub(request), await forms.fields(request)
    found.links.check(f"use {caller(request)}")
    email, name = forms.wanted(values, "email"), forms.wanted(values, "site")
    zone_name = forms.wanted(values, "timezone")
    zone(zone_name)
    session = await found.store.people.consume_setup(forms.wanted(values, "token"), email, found.clock.now())
    if session is None:
        raise Refused(SPENT, "LINK_SPENT", "token", 401)
    site = await found.store.sites.default()
    await found.store.sites.update(site.id, name=name, timezone=zone_name, by="setup link")
    if is_json(request):
        return Json({"access_token": session, "token_type": "bearer"})
    return await signed_in(request, session, "/welcome")


async def signed_in(request: Request, session: str, wanted: str) -> Response:
    """Into the signed-in pages; a session that the browser still held is ended, never carried on."""
    if (old := session_token(request)) is not None:
        await hub(request).store.people.end_session(old)
    answer = RedirectResponse(local_path(wanted), 303)
    set_session(answer, request, session)
    return answer


def local_path(wanted: str) -> str:
    """A path on this hub; anything that a browser could read as another place becomes `/`."""
    plain = wanted.startswith("/") and wanted[1:2] not in ("/", "\\")
    clean = wanted.isascii() and wanted.isprintable() and not set(wanted) & set('\\ "<>')
    return wanted if plain and clean else "/"


def caller(request: Request) -> str:
    """The address that asks, for limits by caller."""
    return request.client.host if request.client else "unknown"
