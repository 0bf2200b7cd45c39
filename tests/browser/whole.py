"""A home whose meter, car and air conditioners are one invented household: nine weeks of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.browser import home
from tests.browser.cooled import day_of
from tests.browser.running import Running
from tests.payloads import smt
from wattledger import localday
from wattledger.connectors.smartcar.parse import BATCH
from wattledger.connectors.smartthings.devices import Place, Places
from wattledger.connectors.smartthings.parse import DEVICES
from wattledger.localday import day as date_of
from wattledger.model import Flow, Payload, Source
from wattledger.simulators.driving_week import HOME
from wattledger.simulators.home import CENTRAL
from wattledger.simulators.home import Home as Household
from wattledger.simulators.smartcar_garage import home_cars
from wattledger.simulators.smartcar_history import PATHS, batches, moments
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store.people.sites import Home

DAYS = 63
PRICE = {"per_kwh": "0.1384", "base_fee": "4.95", "currency": "USD"}


def fill_whole(hub: Running) -> None:
    """The meter's files, the units' hours and the car's drives, then a name and a price."""
    today = localday.today(home.NOW, CENTRAL)
    _meter(hub, today)
    site = hub.call(hub.store.sites.default())
    _units(hub, site.id, today)
    _car(hub, site.id)
    hub.call(hub.store.sites.update(site.id, name="Maple Street"))
    hub.call(hub.store.sites.choose(site.id, "owner", price=PRICE))
    line = {"status": "ok", "fetched": 1, "decrypted": 1, "processed_files": 1, "sent": 1}
    hub.call(hub.store.connections.heartbeat("relay", line, home.NOW))


def _meter(hub: Running, today: int) -> None:
    house = Household()
    days = [house.day(n) for n in range(today - DAYS, today)]
    read = [(date_of(d.number), [int(v) for v in d.wh(Flow.DELIVERED, revised=True)]) for d in days]
    written = [smt.Day(day, list(wh), esiid=house.esiid) for day, wh in read]
    hub.add("IntervalData.csv", smt.csv(*written))


def _units(hub: Running, site: str, today: int) -> None:
    vendor = SmartThingsSimulator()
    known = {id: Place("Maple Street", CENTRAL, vendor.rooms[id]) for id in vendor.locations}
    headers = {"places": Places(CENTRAL, known).to_header()}
    token = {"token": "0c3a-a-token-of-the-pictures", "set_at": str(home.NOW - timedelta(hours=5))}
    _asked(hub, site, "smartthings", token)
    for day in range(today - DAYS, today + 1):
        until = min(localday.start(day + 1, CENTRAL), home.NOW)
        every = timedelta(hours=1) if day < today - 1 else timedelta(minutes=5)
        body = day_of(vendor, localday.start(day, CENTRAL), until, every)
        _deliver(hub, site, "smartthings", DEVICES, body, until, headers)


def _car(hub: Running, site: str) -> None:
    hub.call(hub.store.sites.set_home(site, Home(HOME.latitude, HOME.longitude)))
    car = home_cars()[0]
    headers = {"timezone": CENTRAL, "vehicle": car.id, "make": car.make, "model": car.model}
    start = home.NOW - timedelta(days=DAYS)
    capacity = batches(car, [start], (*PATHS, "/battery/nominal_capacity"))
    _deliver(hub, site, "smartcar", BATCH, capacity, start, headers)
    for day in range(DAYS):
        since, until = start + timedelta(days=day), start + timedelta(days=day + 1)
        if said := moments(car, since, until):
            _deliver(hub, site, "smartcar", BATCH, batches(car, said), until, headers)
    made = _asked(hub, site, "smartcar", {})
    hub.call(hub.store.vehicles.link(made, site, None, [car.id]))


def _asked(hub: Running, site: str, connector: str, secrets: dict[str, str]) -> str:
    """A connection whose vendor answered just now."""
    made = hub.call(hub.store.connections.create(site, connector, {"api": "v3"}, secrets))
    claimed = hub.call(hub.store.connections.claim_one(made.id))
    assert claimed is not None
    again = home.NOW + timedelta(minutes=5)
    hub.call(hub.store.connections.settle(made.id, claimed.lease, None, again))
    return made.id


def _deliver(
    hub: Running, site: str, connector: str, kind: str, body: bytes, when: datetime, headers: dict[str, str]
) -> None:
    payload = Payload(connector, Source.POLL, body, when, kind, "application/json", headers)
    assert hub.call(hub.store.payloads.deliver(site, payload)).state == "read"
