"""The demo's car: a year behind it, then connected as its owner would, and heard of by webhook and polling.

The older part of its history came by v2, the newest weeks by v3, as with anybody who moved on. A second car
waits at the simulated Connect for whoever wants to connect one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from httpx2 import AsyncClient, Response

from wattledger import localday
from wattledger.cli.runtime import Runtime
from wattledger.connectors.smartcar.parse import BATCH, SIGNALS
from wattledger.errors import TryLater
from wattledger.model import Payload, PointKind, Source
from wattledger.simulators.driving_week import HOME, ZONE
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import Grant, Vehicle, second_car
from wattledger.simulators.smartcar_history import PATHS, batches, moments, signals
from wattledger.simulators.smartcar_signals import SIGNALS as CODES
from wattledger.store.people.sites import Home
from wattledger.web.auth import cookie_name

NAME = "smartcar"
HISTORY = timedelta(days=401)
BY_SIGNALS = timedelta(days=14)
DAYS_A_PAYLOAD = 3
PUSH_SECONDS = 5.0
CALLBACK, WEBHOOK = "/oauth/smartcar/callback", "/webhooks/smartcar"


def settings(vendor: SmartcarSimulator, hub: str) -> dict[str, str]:
    """What the hub needs; the vendor learns where the hub is."""
    vendor.redirect_uris = [hub + CALLBACK]
    vendor.webhooks[0].callback = hub + WEBHOOK
    return {**vendor.environment("v3"), "SMARTCAR_REDIRECT_URI": hub + CALLBACK}


@asynccontextmanager
async def driving(runtime: Runtime, vendor: SmartcarSimulator, hub: str, session: str) -> AsyncIterator[None]:
    """Fill in the year where it isn't there yet, connect, and push what the car does while the block runs."""
    site = (await runtime.store.sites.default()).id
    if not any(p.kind == PointKind.VEHICLE for p in await runtime.store.points.list(site)):
        await runtime.store.sites.set_home(site, Home(HOME.latitude, HOME.longitude), "demo")
        await _year(runtime, vendor, site)
    await _connect(vendor, hub, session)
    vendor.add(second_car())
    pushing = asyncio.create_task(vendor.push.follow(PUSH_SECONDS))
    try:
        yield
    finally:
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)


async def _year(runtime: Runtime, vendor: SmartcarSimulator, site: str) -> None:
    """Deliver what the car said, dated as it was."""
    vehicle, now = vendor.cars[0], runtime.clock.now()
    moved = now - BY_SIGNALS
    for until, body in await asyncio.to_thread(_old, vehicle, now - HISTORY, moved):
        await runtime.store.payloads.deliver(site, _payload(vehicle, BATCH, body, until))
    vendor.link(vehicle.id)
    (grant,) = vendor.garage.of(vendor.user, vehicle.id)
    for when, body in await asyncio.to_thread(_new, vendor, grant, moved, now):
        await runtime.store.payloads.deliver(site, _payload(vehicle, SIGNALS, body, when))


def _old(vehicle: Vehicle, start: datetime, end: datetime) -> list[tuple[datetime, bytes]]:
    """Batches of a few days each; the first also says what the battery holds."""
    first, last = localday.today(start, ZONE), localday.today(end, ZONE)
    capacity = batches(vehicle, [start], (*PATHS, "/battery/nominal_capacity"))
    found = [(start, capacity)]
    for day in range(first, last + 1, DAYS_A_PAYLOAD):
        since = max(start, localday.start(day, ZONE))
        until = min(end, localday.start(day + DAYS_A_PAYLOAD, ZONE))
        if said := moments(vehicle, since, until):
            found.append((until, batches(vehicle, said)))
    return found


def _new(
    vendor: SmartcarSimulator, grant: Grant, start: datetime, end: datetime
) -> list[tuple[datetime, bytes]]:
    said = moments(grant.vehicle, start, end)
    return [(when, signals(vendor, grant, when, CODES)) for when in said]


def _payload(vehicle: Vehicle, kind: str, body: bytes, when: datetime) -> Payload:
    named = {"vehicle": vehicle.id, "make": vehicle.make, "model": vehicle.model, "year": str(vehicle.year)}
    headers = {"timezone": ZONE, **named}
    return Payload(NAME, Source.POLL, body, when, kind, "application/json", headers, private=True)


async def _connect(vendor: SmartcarSimulator, hub: str, session: str) -> None:
    """Every step of a browser: our page, the vendor's Connect, and back."""
    cookies = {cookie_name(secure=False): session}
    async with AsyncClient(cookies=cookies, trust_env=False, timeout=30) as browser:
        begun = await browser.get(f"{hub}/v1/ev/connect")
        chosen = await browser.get(f"{_said(begun)['url']}&auto=allow")
        back = await browser.get(chosen.headers["location"])
    if "error=" in back.headers.get("location", "error="):
        raise TryLater(f"The demo's car could not be connected: {back.headers.get('location')}")


def _said(answer: Response) -> dict[str, str]:
    if answer.status_code != 200:
        raise TryLater(f"The demo's car could not be connected: {answer.text}")
    found: dict[str, str] = answer.json()
    return found
