"""The demo's air conditioners: a summer behind them, then polled live from a simulated SmartThings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

from wattledger import localday
from wattledger.cli.collector import collecting
from wattledger.cli.runtime import Runtime
from wattledger.connectors.smartthings.devices import Place, Places
from wattledger.connectors.smartthings.fetch import NAME
from wattledger.connectors.smartthings.parse import DEVICES
from wattledger.model import Payload, PointKind, Source
from wattledger.simulators.home import CENTRAL
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.web.contracts.ac import pasted

SUMMER_MONTH = 6
LEAST_DAYS = 30
HOUR = timedelta(hours=1)


@asynccontextmanager
async def cooling(runtime: Runtime, vendor: SmartThingsSimulator) -> AsyncIterator[None]:
    """Fill in the summer where it isn't there yet, connect, and collect while the block runs."""
    site = (await runtime.store.sites.default()).id
    await _summer(runtime, vendor, site)
    row = await pasted.chosen(runtime.store, site, None)
    word = vendor.issuer.pasted()
    await pasted.place(runtime.store, runtime.clock, vendor.url, site, word, "demo", row)
    async with collecting(runtime, asyncio.Event()):
        yield


async def _summer(runtime: Runtime, vendor: SmartThingsSimulator, site: str) -> None:
    """Deliver what the units said since June: a payload a day with its hourly reports, dated as it was."""
    if any(p.kind == PointKind.APPLIANCE for p in await runtime.store.points.list(site)):
        return
    now = runtime.clock.now()
    for day in range(_first_day(now), localday.today(now, CENTRAL) + 1):
        until = min(localday.start(day + 1, CENTRAL), now)
        body = await asyncio.to_thread(_day, vendor, localday.start(day, CENTRAL), until)
        await runtime.store.payloads.deliver(site, _payload(vendor, body, until))


def _first_day(now: datetime) -> int:
    """The first of the last June that is at least a month ago."""
    june = date(now.year, SUMMER_MONTH, 1)
    if now.date() - june < timedelta(days=LEAST_DAYS):
        june = june.replace(year=now.year - 1)
    return localday.number(june)


def _day(vendor: SmartThingsSimulator, start: datetime, until: datetime) -> bytes:
    """The hourly answers of a day as one list."""
    items, when = [], start + HOUR
    while when <= until:
        items += json.loads(vendor.list_at(when, HOUR))["items"]
        when += HOUR
    return json.dumps({"items": items, "_links": {}}).encode()


def _payload(vendor: SmartThingsSimulator, body: bytes, when: datetime) -> Payload:
    known = {
        id: Place(str(place["name"]), str(place["timeZoneId"]), vendor.rooms.get(id, {}))
        for id, place in vendor.locations.items()
    }
    headers = {"places": Places(CENTRAL, known).to_header()}
    return Payload(NAME, Source.POLL, body, when, DEVICES, "application/json", headers)
