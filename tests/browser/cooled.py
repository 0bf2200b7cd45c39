"""Three air conditioners in the invented home, with two days behind them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from tests.browser import home
from tests.browser.running import Running
from wattledger import localday
from wattledger.connectors.smartthings.devices import Place, Places
from wattledger.connectors.smartthings.parse import DEVICES
from wattledger.model import Payload, Source
from wattledger.simulators.home import CENTRAL
from wattledger.simulators.smartthings import SmartThingsSimulator

EVERY = timedelta(minutes=5)
DAYS = 2


def add_units(hub: Running) -> None:
    """What the units said every five minutes since the midnight before yesterday's."""
    vendor = SmartThingsSimulator()
    today = localday.today(home.NOW, CENTRAL)
    site = hub.call(hub.store.sites.default()).id
    for day in range(today - DAYS, today + 1):
        until = min(localday.start(day + 1, CENTRAL), home.NOW)
        body = day_of(vendor, localday.start(day, CENTRAL), until)
        known = {id: Place("Maple Street", CENTRAL, vendor.rooms[id]) for id in vendor.locations}
        headers = {"places": Places(CENTRAL, known).to_header()}
        payload = Payload("smartthings", Source.POLL, body, until, DEVICES, "application/json", headers)
        hub.call(hub.store.payloads.deliver(site, payload))


def day_of(vendor: SmartThingsSimulator, start: datetime, until: datetime, every: timedelta = EVERY) -> bytes:
    """The units' answers of a day as one list."""
    items, when = [], start + every
    while when <= until:
        items += json.loads(vendor.list_at(when, every))["items"]
        when += every
    return json.dumps({"items": items, "_links": {}}).encode()
