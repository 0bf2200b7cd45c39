"""The first five minutes: a card for each source, that tests itself first and says what failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from wattledger.errors import WattledgerError
from wattledger.model import PointKind
from wattledger.store.people.principal import Principal
from wattledger.transport import is_plain
from wattledger.web import forms
from wattledger.web.audited import note
from wattledger.web.auth import Manager, User, actor
from wattledger.web.contracts.ac import pasted
from wattledger.web.hub import Hub, hub
from wattledger.web.pages.attention import relays
from wattledger.web.pages.car_words import car_sources
from wattledger.web.pages.connected import sources as smartthings_of
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.trigger import TriggerFailed

router = APIRouter(route_class=PageRoute, include_in_schema=False)
ASKED = "The relay answered and has begun a cycle; what is new shows here within a minute."
NO_ENTRY = "The relay refuses our secret: DROPLET_WEBHOOK_SECRET here must be its INTELLIWATT_WEBHOOK_SECRET."
UNREACHED = (
    "Is DROPLET_WEBHOOK_URL right, does the relay run (systemctl status smt-webhook), and does a firewall "
    "let this machine in?"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a test or a change came to, shown on the card it belongs to."""

    card: str = ""
    text: str = ""
    well: bool = True


@dataclass(frozen=True, slots=True)
class Relaying:
    """What the hub knows of its way to the relay."""

    unset: list[str] = field(default_factory=list)
    plain: bool = False


@router.get("/welcome", summary="A card for each source")
async def welcome(request: Request, person: User, deleted: Annotated[bool, Query()] = False) -> Response:
    """What can be connected, what is, and how to begin."""
    said = Told("file", "Everything was deleted; this site is empty now.") if deleted else Told()
    return await show(request, person, said)


async def show(request: Request, person: Principal, told: Told) -> Response:
    """The page, with what a card's test came to."""
    found = hub(request)
    points = await found.store.points.list(person.site)
    connected = await smartthings_of(found, person.site)
    values = {
        "meters": [p for p in points if p.kind == PointKind.METER],
        "units": [p for p in points if p.kind == PointKind.APPLIANCE],
        "relays": await relays(found),
        "relaying": relaying(found),
        "smartthings": connected,
        "can_sign_in": bool(found.settings.smartthings_client_id),
        "cars": await car_sources(found, person.site),
        "told": told,
    }
    return await page(request, "welcome.html", person, "sources", **values)


def relaying(found: Hub) -> Relaying:
    """The variables that the hub lacks for asking a relay."""
    said = found.settings
    unset = [] if said.droplet_url else ["DROPLET_WEBHOOK_URL"]
    if said.droplet_secret is None and said.webhook_secret is None:
        unset.append("DROPLET_WEBHOOK_SECRET")
    return Relaying(unset, is_plain(said.droplet_url or ""))


@router.post("/welcome/relay", summary="Ask the relay whether it answers")
async def ask_relay(request: Request, person: Manager) -> Response:
    """The relay's own port, with our secret: it begins a cycle, or says why not."""
    try:
        await hub(request).trigger({"reason": "user_refresh"})
    except TriggerFailed as error:
        return await show(request, person, Told("relay", refusal(error), False))
    await note(request, person, "relay.asked", "relay")
    return await show(request, person, Told("relay", ASKED))


def refusal(error: TriggerFailed) -> str:
    """Why the relay did not take a request, and what to do."""
    if error.relay_status in (401, 403):
        return NO_ENTRY
    return f"{error} {UNREACHED}" if error.code == "WEBHOOK_CONNECTION_FAILED" else str(error)


@router.post("/welcome/smartthings", summary="Try a SmartThings token, then keep it")
async def paste(request: Request, person: Manager) -> Response:
    """Asked at SmartThings first; one that it refuses is not kept."""
    found, values = hub(request), await forms.fields(request)
    vendor, text = found.settings.smartthings_base_url, values.get("token", "")
    try:
        row = await pasted.to_paste(found.store, person.site, None)
        done = await pasted.place(found.store, found.clock, vendor, person.site, text, actor(person), row)
    except WattledgerError as error:
        return await show(request, person, Told("smartthings", f"Not kept. {_sentence(error)}", False))
    fine = "SmartThings knows this token; it is kept, and collecting begins now."
    return await show(request, person, Told("smartthings", done.warning or fine, done.warning is None))


def _sentence(error: WattledgerError) -> str:
    text = str(error)
    return text if text.endswith((".", "!", "?")) else f"{text}."
