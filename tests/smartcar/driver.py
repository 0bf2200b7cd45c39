"""One account's collections without a store: schedules and calls are kept in memory as the store does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.turning import TurningClock
from wattledger.connectors.base import Account, Known, NextPoll, Token
from wattledger.connectors.http import open_client
from wattledger.connectors.smartcar import Smartcar
from wattledger.connectors.smartcar.auth import V2, V3
from wattledger.connectors.smartcar.fetch import Memory
from wattledger.errors import LoginRequired, WattledgerError
from wattledger.model import Payload
from wattledger.simulators.smartcar import SmartcarSimulator

EXTERNAL = "ours-0001"


@dataclass
class Collected:
    """What one collection brought, and what it raised in the end."""

    payloads: list[Payload]
    wishes: list[NextPoll]
    error: WattledgerError | None

    @property
    def kinds(self) -> list[str]:
        return sorted(payload.filename or "" for payload in self.payloads)


@dataclass
class Driver:
    """An account of the simulated vendor, collected by hand."""

    vendor: SmartcarSimulator
    clock: TurningClock
    connector: Smartcar
    token: Token
    options: dict[str, Any]
    known: dict[str, Known]
    spends: list[tuple[datetime, str, int]] = field(default_factory=list)
    month: str = ""

    async def collect(self, urgent: bool = False) -> Collected:
        """One collection as the collector makes it: a token that is refused is renewed once."""
        if self.token.expires_at - self.clock.now() <= timedelta(minutes=5):
            await self.sign_in()
        first = await self.once(urgent)
        if not (isinstance(first.error, LoginRequired) and first.error.renewable):
            return first
        await self.sign_in()
        second = await self.once(urgent)
        return Collected(first.payloads + second.payloads, first.wishes + second.wishes, second.error)

    async def sign_in(self) -> None:
        """A new token, by the one that is there."""
        grant = self.connector.grant
        assert grant
        async with open_client(self.vendor.url) as http:
            self.token = await grant.token(self.secrets, self.token, http)

    @property
    def secrets(self) -> dict[str, str]:
        """The application's, and which generation this is."""
        vendor = self.vendor
        return {
            "api": str(self.options["api"]),
            "client_id": vendor.client_id,
            "client_secret": vendor.issuer.client_secret,
            "api_client_id": vendor.app.client_id,
            "api_client_secret": vendor.app.client_secret,
        }

    async def once(self, urgent: bool = False) -> Collected:
        """One collection with the present token; what it wishes is kept."""
        self._new_month()
        payloads: list[Payload] = []
        wishes: list[NextPoll] = []
        error: WattledgerError | None = None
        async with open_client(self.vendor.url) as http:
            http.headers["authorization"] = f"Bearer {self.token.access}"
            try:
                async for item in self.connector.fetch(self._account(http, urgent)):
                    if isinstance(item, Payload):
                        payloads.append(item)
                        self._learn(item)
                    else:
                        wishes.append(item)
                        self._keep(item)
            except WattledgerError as raised:
                error = raised
        return Collected(payloads, wishes, error)

    def one(self) -> Known:
        """The only car."""
        (car,) = self.known.values()
        return car

    def change(self, id: str, **changes: Any) -> None:
        self.known[id] = replace(self.known[id], **changes)

    async def until_due(self, most_hours: float = 24 * 32) -> None:
        """Turn the clock to the next time at which a car is due."""
        due = min(car.due for car in self.known.values() if car.due is not None)
        wait = (due - self.clock.now()).total_seconds()
        assert wait <= most_hours * 3600
        self.clock.turn(seconds=max(wait, 0))

    def _account(self, http: Any, urgent: bool) -> Account:
        return Account(
            http, self.options, None, self.clock.now(), "one", dict(self.token.extra),
            tuple(self.known.values()), urgent, self._spend,
        )  # fmt: skip

    async def _spend(self, id: str, calls: int) -> int:
        self.spends.append((self.clock.now(), id, calls))
        self.change(id, calls=self.known[id].calls + calls)
        return self.known[id].calls

    def _keep(self, wish: NextPoll) -> None:
        status = self.known[wish.external_id].status if wish.status is None else wish.status
        self.change(wish.external_id, due=wish.at, firm=wish.firm, status=dict(status))

    def _learn(self, payload: Payload) -> None:
        parsed = self.connector.parse(payload)
        for one in sorted(parsed.observations, key=lambda one: one.at):
            id = parsed.points[one.point].external_id
            if id in self.known:
                latest = {name: (value, one.at) for name, value in one.values.items()}
                self.change(id, latest={**self.known[id].latest, **latest})

    def _new_month(self) -> None:
        month = f"{self.clock.now():%Y-%m}"
        if month != self.month:
            self.month = month
            for id in self.known:
                self.change(id, calls=0)


def ours(clock: TurningClock) -> Smartcar:
    """The connector with a memory of its own."""
    from wattledger.connectors.smartcar.auth import Grants

    class Ours(Smartcar):
        grant = Grants(clock)
        memory = Memory()

    return Ours()


async def driver_v2(vendor: SmartcarSimulator, clock: TurningClock, **options: Any) -> Driver:
    """An account of v2 with all cars of the vendor."""
    code = vendor.link(permissions=options.pop("permissions", None))
    app = V2(vendor.client_id, vendor.issuer.client_secret, vendor.redirect_uris[0], clock=clock)
    async with open_client(vendor.url) as http:
        token = await app.exchange(code, http)
    known = {id: Known(id) for id in vendor.garage.vehicles}
    about = {"api": "v2", "mode": "live", "timezone": "America/Chicago", **options}
    return Driver(vendor, clock, ours(clock), token, about, known)


async def driver_v3(vendor: SmartcarSimulator, clock: TurningClock, **options: Any) -> Driver:
    """An account of v3 with all cars of the vendor."""
    vendor.link(permissions=options.pop("permissions", None), external_id=EXTERNAL)
    app = V3(vendor.client_id, vendor.app.client_id, vendor.app.client_secret, clock=clock)
    async with open_client(vendor.url) as http:
        token = await app.token(http)
    known = {id: Known(id) for id in vendor.garage.vehicles}
    about = {
        "api": "v3",
        "mode": "live",
        "user_id": vendor.user,
        "external_id": EXTERNAL,
        "management_url": vendor.url,
        **options,
    }
    return Driver(vendor, clock, ours(clock), token, about, known)
