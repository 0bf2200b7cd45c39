"""A simulated SmartThings with a clock that stands, and ways to collect from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.turning import TurningClock
from wattledger.connectors.base import Account
from wattledger.connectors.http import open_client
from wattledger.connectors.smartthings import SmartThings
from wattledger.connectors.smartthings.fetch import Memory, Pace
from wattledger.errors import WattledgerError
from wattledger.model import Parsed, Payload
from wattledger.simulators.smartthings import SmartThingsSimulator

QUICK = Pace(width=4, per_second=1000, seconds=0.5, wait=0.05)
Collect = Callable[..., Any]


class Collected:
    """What one collection brought, and what it raised in the end."""

    def __init__(
        self, payloads: list[Payload], error: WattledgerError | None, connector: SmartThings
    ) -> None:
        self.payloads, self.error = payloads, error
        self.connector = connector
        self.troubles = {_device(p): p for p in payloads if p.filename == "trouble"}

    @property
    def parsed(self) -> list[Parsed]:
        return [self.connector.parse(p) for p in self.payloads if p.filename != "trouble"]

    @property
    def kinds(self) -> list[str]:
        return sorted(p.filename or "" for p in self.payloads)

    def values(self) -> dict[str, dict[str, Any]]:
        """external id -> all values."""
        found: dict[str, dict[str, Any]] = {}
        for parsed in self.parsed:
            for one in parsed.observations:
                found.setdefault(parsed.points[one.point].external_id, {}).update(one.values)
        return found


def _device(payload: Payload) -> str:
    from wattledger.connectors.smartthings.devices import from_header

    return from_header(payload.headers["device"]).id


@pytest.fixture
def clock() -> TurningClock:
    return TurningClock()


@pytest.fixture
async def vendor(clock: TurningClock) -> AsyncIterator[SmartThingsSimulator]:
    async with SmartThingsSimulator(clock=clock) as simulator:
        yield simulator


@pytest.fixture
def connector() -> SmartThings:
    class Quick(SmartThings):
        pace = QUICK
        memory = Memory()

    return Quick()


@pytest.fixture
def collect(vendor: SmartThingsSimulator, connector: SmartThings, clock: TurningClock) -> Collect:
    token = vendor.issuer.pasted(24 * 365)

    async def run(connection: str = "one", bearer: str = token, **options: Any) -> Collected:
        payloads, error = [], None
        async with open_client(vendor.url) as http:
            http.headers["authorization"] = f"Bearer {bearer}"
            try:
                account = Account(http, options, None, clock.now(), connection)
                async for item in connector.fetch(account):
                    assert isinstance(item, Payload)
                    payloads.append(item)
            except WattledgerError as raised:
                error = raised
        return Collected(payloads, error, connector)

    return run
