"""What the simulated Smartcar knows: vehicles and grants, tokens, what was asked and what it cost."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from wattledger.clock import Clock, SystemClock
from wattledger.simulators.calls import Call
from wattledger.simulators.smartcar_garage import PERMISSIONS, Garage, Vehicle, home_cars, named_id
from wattledger.simulators.smartcar_oauth import AppTokens, Issuer
from wattledger.simulators.smartcar_script import Script


@dataclass
class Subscription:
    """One vehicle's subscription to a webhook."""

    id: str
    webhook: str
    user: str
    vehicle: str
    created: datetime


@dataclass
class Webhook:
    """A webhook of the application, as its owner made it in the vendor's dashboard."""

    id: str = named_id("webhook")
    name: str = "Simulated webhook"
    callback: str = ""
    enabled: bool = True


@dataclass
class Vendor:
    """Its state, without a server. Test code reads and changes it at will."""

    cars: Sequence[Vehicle] = field(default_factory=home_cars)
    clock: Clock = field(default_factory=SystemClock)
    redirect_uris: list[str] = field(default_factory=lambda: ["http://127.0.0.1/oauth/smartcar/callback"])
    access: Sequence[str] = PERMISSIONS
    """what the application may ask for, and asks for where Connect is called without `scope`"""
    user: str = named_id("owner")
    """the vendor's id of whoever signs in at Connect"""
    management_token: str = "simulated-management-token"
    monthly_calls: int = 500
    """calls of a vehicle in a month (UTC) before it answers 430"""
    page_size: int = 50
    subscribed_only: bool = True
    """whether v3 knows signals of subscribed vehicles only"""
    listing_late: int = 0
    """how many of the next v3 lists of connections are still empty"""
    subscribing_late: int = 0
    """how many of the next lists of subscriptions don't have them yet"""
    milliseconds: bool = False
    """whether v3 writes times as epoch milliseconds instead of ISO text"""
    url: str = ""

    def __post_init__(self) -> None:
        self.garage = Garage({car.id: car for car in self.cars})
        self.issuer = Issuer(self.clock)
        self.app = AppTokens(self.clock)
        self.script = Script()
        self.calls: list[Call] = []
        self.spent: Counter[tuple[str, str]] = Counter()
        self.webhooks = [Webhook()]
        self.subscriptions: list[Subscription] = []

    @property
    def client_id(self) -> str:
        """The application's id: v2's client id and Connect's application id are the same word."""
        return self.issuer.client_id

    def add(self, vehicle: Vehicle) -> Vehicle:
        """One more that owners can choose."""
        self.garage.vehicles[vehicle.id] = vehicle
        return vehicle

    def link(
        self, *vehicles: str, user: str | None = None, permissions: Sequence[str] | None = None,
        mode: str = "live", external_id: str | None = None,
    ) -> str:  # fmt: skip
        """A grant as after Connect, for these or for all vehicles. Returns its v2 code."""
        owner = user or self.user
        ids = vehicles or tuple(self.garage.vehicles)
        given = self.access if permissions is None else permissions
        self.garage.connect(owner, ids, given, mode, external_id, self.clock.now())
        return self.issuer.code(owner, self.redirect_uris[0])

    def unlink(self, user: str | None = None, vehicle: str | None = None) -> int:
        """Grants end; a user without any has no living token. Returns how many ended."""
        gone = self.garage.drop(user, vehicle)
        for grant in gone:
            self.subscriptions = [
                s for s in self.subscriptions if (s.user, s.vehicle) != (grant.user, grant.vehicle.id)
            ]
            if not self.garage.of(grant.user):
                self.issuer.revoke(grant.user)
        return len(gone)

    def subscribe(self, webhook: str, user: str, vehicle: str) -> bool:
        """A vehicle's subscription to a webhook; False where it has one."""
        if self.subscribed(vehicle, webhook):
            return False
        id = named_id(f"{webhook} {user} {vehicle} {self.clock.now()}")
        self.subscriptions.append(Subscription(id, webhook, user, vehicle, self.clock.now()))
        return True

    def unsubscribe(self, webhook: str, vehicle: str) -> None:
        """Nothing more of this vehicle goes to that webhook."""
        kept = [s for s in self.subscriptions if (s.webhook, s.vehicle) != (webhook, vehicle)]
        self.subscriptions = kept

    def subscribed(self, vehicle: str, webhook: str | None = None) -> bool:
        """Whether a vehicle is subscribed to that webhook, or to any."""
        return any(s.vehicle == vehicle and webhook in (None, s.webhook) for s in self.subscriptions)

    def spend(self, vehicle: str) -> bool:
        """Count a call; whether the month still had it."""
        key = (vehicle, f"{self.clock.now():%Y-%m}")
        self.spent[key] += 1
        return self.spent[key] <= self.monthly_calls

    def billed(self, vehicle: str, month: str | None = None) -> int:
        """Calls of a vehicle in a month (`2026-11`), this one by default."""
        return self.spent[vehicle, month or f"{self.clock.now():%Y-%m}"]

    def asked(self, part: str, method: str | None = None) -> int:
        """How many requests had `part` in their path."""
        return sum(part in call.path and method in (None, call.method) for call in self.calls)

    def manages(self, header: str) -> bool:
        """Whether an Authorization header has the management token, as Bearer or as `default:<token>`."""
        scheme, _, given = header.partition(" ")
        word = basic(header).removeprefix("default:") if scheme == "Basic" else given
        return hmac.compare_digest(word.encode(), self.management_token.encode())


def basic(header: str) -> str:
    """`name:word` of a Basic header; empty where it is none."""
    try:
        return b64decode(header.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def stamp(when: datetime) -> str:
    """An instant as the vendor writes it."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"
