"""Alerts: what needs a person and what lately did, who is told, and a test of every way."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from wattledger.clock import token
from wattledger.errors import NotFound, WattledgerError
from wattledger.insight.alerts import TITLES, Kind
from wattledger.store.alerts.alerts import AlertRow
from wattledger.store.alerts.ways import Hook
from wattledger.store.people.people import Principal
from wattledger.web import forms
from wattledger.web.alerts.hook import checked
from wattledger.web.alerts.tell import Teller
from wattledger.web.alerts.trying import kind_of, send_test
from wattledger.web.alerts.wishes import Wishes, keep, mark, wishes_of
from wattledger.web.auth import Manager, Owner, User, actor
from wattledger.web.hub import Hub, hub
from wattledger.web.pages.render import PageRoute, page

router = APIRouter(route_class=PageRoute, include_in_schema=False)
TOLD = {
    "saved": "Saved.",
    "muted": "Muted: it is neither counted nor told.",
    "unmuted": "No longer muted.",
    "removed": "The webhook is removed.",
}


@router.get("/alerts", summary="What needs a person")
async def alerts(request: Request, person: User, did: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Open alerts, lately closed ones, and who is told."""
    return await _alerts(request, person, TOLD.get(did))


async def _alerts(
    request: Request, person: Principal, said: str | None = None, well: bool = True, secret: str = ""
) -> Response:
    found = hub(request)
    wishes = wishes_of((await found.store.sites.get(person.site)).choices)
    rows = await found.store.alerts.open(person.site)
    values = {
        "open": [row for row in rows if not wishes.mutes(row)],
        "muted": [row for row in rows if wishes.mutes(row)],
        "closed": await found.store.alerts.closed(person.site),
        "wishes": wishes,
        "mark": mark,
        "kinds": [(kind.value, TITLES[kind]) for kind in Kind],
        "mails": found.post.ready,
        "hook": await _hook(found, person),
        "said": said,
        "well": well,
        "secret": secret,
    }
    return await page(request, "alerts.html", person, "alerts", **values)


async def _hook(found: Hub, person: Principal) -> str:
    """The webhook's address, empty without one; a sentence where it can't be opened."""
    try:
        hook = await found.store.hooks.get(person.site)
    except WattledgerError as error:
        return str(error)
    return hook.url if hook else ""


@router.post("/alerts/wishes", summary="Whether by mail, and which kinds are muted")
async def wishes(request: Request, person: Manager) -> Response:
    """Kinds that are muted are neither counted nor told."""
    values, store = await forms.fields(request), hub(request).store
    site = await store.sites.get(person.site)
    single = {word for word in wishes_of(site.choices).muted if " " in word}
    kinds = {kind.value for kind in Kind if f"tell_{kind.value}" not in values}
    await keep(store.sites, site, Wishes("mail" in values, frozenset(kinds | single)), actor(person))
    return _done("saved")


@router.post("/alerts/mute", summary="Mute one alert")
async def mute(request: Request, person: Manager) -> Response:
    """This trouble of this source, now and whenever it comes again."""
    wanted = forms.wanted(await forms.fields(request), "alert")
    row = next((one for one in await _open(request, person) if one.id == wanted), None)
    if row is None:
        raise NotFound("There is no such open alert.")
    await _mute(request, person, add=mark(row))
    return _done("muted")


@router.post("/alerts/unmute", summary="Mute one alert no longer")
async def unmute(request: Request, person: Manager) -> Response:
    """It is counted and told again."""
    wanted = forms.wanted(await forms.fields(request), "alert")
    row = next((one for one in await _open(request, person) if one.id == wanted), None)
    if row is None:
        raise NotFound("There is no such open alert.")
    await _mute(request, person, drop={mark(row), row.kind})
    return _done("unmuted")


async def _open(request: Request, person: Principal) -> list[AlertRow]:
    return await hub(request).store.alerts.open(person.site)


async def _mute(
    request: Request, person: Principal, add: str = "", drop: frozenset[str] | set[str] = frozenset()
) -> None:
    sites = hub(request).store.sites
    site = await sites.get(person.site)
    now = wishes_of(site.choices)
    muted = (now.muted | ({add} if add else set())) - drop
    await keep(sites, site, replace(now, muted=frozenset(muted)), actor(person))


@router.post("/alerts/webhook", summary="Set the webhook, and show its secret once")
async def set_webhook(request: Request, person: Owner) -> Response:
    """A new address has a new secret."""
    found = hub(request)
    url = forms.wanted(await forms.fields(request), "url")
    alone = len(await found.store.sites.list()) == 1
    try:
        hook = Hook(checked(url, alone), token(32))
        await found.store.hooks.set(person.site, hook, actor(person))
    except WattledgerError as error:
        return await _alerts(request, person, str(error), False)
    return await _alerts(request, person, "Saved. Send a test below.", True, hook.secret)


@router.post("/alerts/webhook/remove", summary="Remove the webhook")
async def remove_webhook(request: Request, person: Owner) -> Response:
    """Nothing is sent there any more."""
    await hub(request).store.hooks.set(person.site, None, actor(person))
    return _done("removed")


@router.post("/alerts/test", summary="Send a test of one kind by one way")
async def test(request: Request, person: Manager) -> Response:
    """Clearly marked as a test; the answer says how it went."""
    found, values = hub(request), await forms.fields(request)
    kind, way = kind_of(values.get("kind", "")), forms.wanted(values, "way")
    teller = Teller(found.store, found.settings, found.clock, found.base_url(request))
    site = await found.store.sites.get(person.site)
    try:
        found.mails.check(f"alert test {person.email}")
        now = found.clock.now()
        said = await send_test(teller, site, way, kind, person.email, found.post.ready, now)
    except WattledgerError as error:
        return await _alerts(request, person, str(error), False)
    return await _alerts(request, person, said)


def _done(what: str) -> Response:
    return RedirectResponse(f"/alerts?did={what}", 303)
