"""The vendors that hubs poll, with things whose truth is known at every instant, and accounts there.

Units count without rest and a car charges at home all the time, so that watt-hours can be compared exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, ClassVar

import numpy as np

from tests.wire import Wire
from wattledger.clock import SystemClock
from wattledger.connectors.http import open_client
from wattledger.connectors.smartcar.auth import V2
from wattledger.connectors.smartthings.auth import OAuth
from wattledger.model import Payload, Source
from wattledger.simulators.calls import Call
from wattledger.simulators.driving import Driven, State
from wattledger.simulators.driving_week import HOME, Habits
from wattledger.simulators.home import CENTRAL
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import Vehicle, named_id
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.simulators.smartthings_units import AcUnit
from wattledger.store import Store
from wattledger.store.people.sites import Home as Place
from wattledger.store.sources.dispatch import stored_token

SITE = "Cars and units"
GRACE = 60.0
"""seconds in which both vendors give the same pair for a used refresh token"""
WH_A_SECOND = 1.5
KW, CAPACITY, BEGAN = 3.7, Habits().capacity, 0.1
"""of the cars: power into the battery, kWh, and the state of charge at the beginning"""
MONTHLY = 10_000_000
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Running(AcUnit):
    """A unit that never rests."""

    def register(self, when: datetime) -> int:
        return self.began + int((when - BEGINNING).total_seconds() * WH_A_SECOND)


@dataclass(frozen=True)
class Charging(Driven):
    """A car that stands at home, plugged in, and says every second how full it is."""

    since: datetime = field(default_factory=lambda: SystemClock().now())

    def reported(self, when: datetime) -> datetime:
        return when.replace(microsecond=0)

    def state_at(self, when: datetime) -> State:
        added = KW * ((when - self.since) / timedelta(hours=1))
        return State(
            at=when, soc=min(BEGAN + added / CAPACITY, 0.99), plugged=True, charging=True, fast=False,
            full=False, power=KW, added=added, minutes_left=600, odometer=self.began,
            latitude=HOME.latitude, longitude=HOME.longitude, at_home=True, driving=False, asleep=False,
        )  # fmt: skip


def cars() -> list[Vehicle]:
    """Two of one owner."""
    return [
        Vehicle(named_id(f"car {n}"), "TESLA", "Model 3", 2021, Charging(), f"5YJ3E1EA7LF00031{n}", digits=6)
        for n in range(2)
    ]


def units(period: timedelta) -> list[Running]:
    """Three, with a report every `period`."""
    return [Running(f"Unit {n}", 0.3, "Room", began=1_000_000 * (n + 1), period=period) for n in range(3)]


class Timed(list[Call]):
    """Calls, when each came (monotonic seconds), and the access tokens that they had."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []
        self.tokens: set[str] = set()

    def append(self, call: Call) -> None:
        self.at.append(monotonic())
        self.tokens.add(call.headers.get("authorization", "").removeprefix("Bearer "))
        super().append(call)


class Vendors:
    """SmartThings and Smartcar, each behind a wire once they are started; `sign_in` makes accounts."""

    names: ClassVar[tuple[str, ...]] = ("smartthings", "smartcar")

    def __init__(self, period: timedelta) -> None:
        self.smartthings = SmartThingsSimulator(units(period))
        self.smartcar = SmartcarSimulator(cars(), monthly_calls=MONTHLY)
        self.wires: dict[str, Wire] = {}
        self.calls: dict[str, Timed] = {}
        self.forgotten = 0
        """how often all access tokens were forgotten"""

    async def start(self, stack: AsyncExitStack, wire: Callable[[str, int], Any]) -> None:
        """Start both; `wire(name, port)` makes the line to one."""
        for name in self.names:
            vendor = await stack.enter_async_context(getattr(self, name))
            self.wires[name] = await wire(name, int(vendor.url.rpartition(":")[2]))
            vendor.url = f"http://127.0.0.1:{self.wires[name].port}"
            vendor.issuer.grace = GRACE
            vendor.calls = self.calls[name] = Timed()

    def environment(self) -> dict[str, str]:
        """A hub's settings."""
        found = {**self.smartthings.environment(), **self.smartcar.environment()}
        return {**found, "SMARTCAR_MONTHLY_CALLS": str(MONTHLY)}

    def forget(self) -> None:
        """Every access token that was ever of use is refused from now on; refresh tokens live.

        A new one that is refused at once would be the end of a sign-in, and rightly.
        """
        for name in self.names:
            living = getattr(self, name).issuer.access
            for token in self.calls[name].tokens & set(living):
                del living[token]
        self.forgotten += 1

    def asked(self, part: str = "/") -> int:
        """How many calls had that in their path, at both."""
        return self.smartthings.asked(part) + self.smartcar.asked(part)

    def most_calls(self, seconds: float = 10.0) -> int:
        """The most within so many seconds, at one of them."""
        most = 0
        for calls in self.calls.values():
            at = np.array(calls.at)
            ends = np.searchsorted(at, at + seconds)
            most = max(most, int((ends - np.arange(len(at))).max(initial=0)))
        return most

    async def sign_in(self, store: Store) -> None:
        """A site of its own with both accounts, as after the owner's consent."""
        site = (await store.sites.add(SITE, CENTRAL, None, "chaos")).id
        await store.sites.set_home(site, Place(HOME.latitude, HOME.longitude), "chaos")
        await self._with_units(store, site)
        await self._with_cars(store, site)

    async def _with_units(self, store: Store, site: str) -> None:
        vendor, issuer = self.smartthings, self.smartthings.issuer
        app = OAuth(issuer.client_id, issuer.client_secret, issuer.redirect_uri, vendor.url)
        async with open_client(vendor.url) as http:
            token = stored_token(await app.exchange(issuer.code(), http))
        secrets = {"client_id": issuer.client_id, "client_secret": issuer.client_secret}
        await store.connections.create(site, "smartthings", {}, secrets, token=token)

    async def _with_cars(self, store: Store, site: str) -> None:
        vendor = self.smartcar
        app = V2(vendor.client_id, vendor.issuer.client_secret, vendor.redirect_uris[0])
        async with open_client(vendor.url) as http:
            token = stored_token(await app.exchange(vendor.link(), http))
        about = {"api": "v2", "mode": "live", "timezone": CENTRAL}
        row = await store.connections.create(site, "smartcar", about, {"api": "v2"}, token=token)
        for id, car in vendor.garage.vehicles.items():
            body = f'{{"id": "{id}", "make": "{car.make}", "model": "{car.model}", "year": 2021}}'.encode()
            said = Payload("smartcar", Source.POLL, body, SystemClock().now(), "vehicle.json", "", _ZONE)
            await store.payloads.deliver(site, said)
        await store.vehicles.link(row.id, site, None, list(vendor.garage.vehicles))


_ZONE = {"timezone": CENTRAL}
