"""Signing in and out, and the first set-up.

POST /v1/auth/link    {email}: always 202, whether or not the address is known
POST /auth/link       consumes a link: a form gets a session cookie, JSON an access token
POST /auth/sign-out   ends the session
POST /setup           the one-time set-up link: email, site, timezone; signs the owner in

GET never consumes anything: mail scanners follow links.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from wattledger.errors import Refused
from wattledger.localday import zone
from wattledger.store.people.email import normal_email
from wattledger.web import forms
from wattledger.web.answers import Json
from wattledger.web.auth import bearer, clear_session, session_token, set_session
from wattledger.web.guards import public
from wattledger.web.hub import Hub, hub
from wattledger.web.jsonbody import is_json

router = APIRouter(tags=["Sign-in"], dependencies=[Depends(public)])
SENT = "If this address is known here, a sign-in link is on its way; it works once, for ten minutes."
SPENT = "This link was used already, is too old, or is not one of ours; ask for a new one."
_TEXT = {"type": "string"}


def _reads(*names: str) -> dict[str, object]:
    schema = {"type": "object", "required": list(names), "properties": dict.fromkeys(names, _TEXT)}
    kinds = ("application/json", "application/x-www-form-urlencoded")
    return {"requestBody": {"required": True, "content": {k: {"schema": schema} for k in kinds}}}


@router.post("/v1/auth/link", status_code=202, openapi_extra=_reads("email"))
async def ask_for_link(request: Request) -> Response:
    """Ask for a sign-in link by mail address; the answer never tells whether the address is known."""
    found, values = hub(request), await forms.fields(request)
    email = normal_email(forms.wanted(values, "email"))
    found.links.check(_address(request))
    work = BackgroundTask(_make_link, found, email, found.base_url(request), found.on_loopback(request))
    if is_json(request):
        return Json({"ok": True, "message": SENT}, 202, background=work)
    return RedirectResponse("/signin?sent=1", 303, background=work)


async def _make_link(found: Hub, email: str, base: str, show: bool) -> None:
    """After the answer, so that known and unknown addresses take equally long."""
    if found.mails.take(email):
        return
    word = await found.store.people.start_link(email, found.clock.now())
    if word and show:
        found.announce(f"Sign-in link for {email}: {base}/auth/link?token={quote(word)}")


@router.post("/auth/link", openapi_extra=_reads("token"))
async def use_link(request: Request) -> Response:
    """Use up a sign-in link: a form gets the session cookie, JSON an access token."""
    found, values = hub(request), await forms.fields(request)
    found.links.check(f"use {_address(request)}")
    session = await found.store.people.consume_link(forms.wanted(values, "token"), found.clock.now())
    if session is None:
        raise Refused(SPENT, "LINK_SPENT", "token", 401)
    if is_json(request):
        return Json({"access_token": session, "token_type": "bearer"})
    return await _signed_in(request, session, values.get("next", "/"))


@router.post("/auth/sign-out")
async def sign_out(request: Request) -> Response:
    """End this session: the browser's, or the access token's."""
    if (session := bearer(request) or session_token(request)) is not None:
        await hub(request).store.people.end_session(session)
    answer: Response = Json({"ok": True}) if is_json(request) else RedirectResponse("/signin", 303)
    clear_session(answer, request)
    return answer


@router.post("/setup", openapi_extra=_reads("token", "email", "site", "timezone"))
async def set_up(request: Request) -> Response:
    """Make the first owner, name the site and sign in; the link works once, while nobody exists."""
    found, values = hub(request), await forms.fields(request)
    found.links.check(f"use {_address(request)}")
    email, name = forms.wanted(values, "email"), forms.wanted(values, "site")
    zone_name = forms.wanted(values, "timezone")
    zone(zone_name)
    session = await found.store.people.consume_setup(forms.wanted(values, "token"), email, found.clock.now())
    if session is None:
        raise Refused(SPENT, "LINK_SPENT", "token", 401)
    site = await found.store.sites.default()
    await found.store.sites.update(site.id, name=name, timezone=zone_name)
    if is_json(request):
        return Json({"access_token": session, "token_type": "bearer"})
    return await _signed_in(request, session, "/")


async def _signed_in(request: Request, session: str, wanted: str) -> Response:
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


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
