"""The simulated vendor over real sockets, a clock that tests set, and a client that does not really sleep."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattledger.connectors.patience import Patience
from wattledger.connectors.smart_meter_texas.api.client import SmtClient, make_client
from wattledger.connectors.smart_meter_texas.api.requests import Requester
from wattledger.simulators.smart_meter_texas import SmtSimulator

ESIID = "10443720000000001"


class SetClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 18, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Naps:
    """Records pauses instead of making them."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
async def vendor(tmp_path: Path, clock: SetClock) -> AsyncIterator[SmtSimulator]:
    async with SmtSimulator(tmp_path / "drop", clock=clock) as simulator:
        yield simulator


@pytest.fixture
async def client(vendor: SmtSimulator, clock: SetClock, naps: Naps) -> AsyncIterator[SmtClient]:
    patience = Patience(clock=clock, sleep=naps, share=lambda: 0.5)
    who = Requester(vendor.username, "CSP", vendor.duns)
    made = make_client(vendor.api_url, who, vendor.password, clock, patience)
    yield made
    await made.aclose()
