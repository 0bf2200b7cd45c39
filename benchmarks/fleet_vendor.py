"""A simulated Smartcar with many owners of one charging car each: `python -m benchmarks.fleet_vendor 2000`.

Prints one line of JSON, [address, [[vehicle, access token, refresh token], ...]]; then each line of its input
is its present (an ISO instant), answered by a line, until the input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from wattledger.simulators.driving import Driven, State
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import Vehicle, named_id

FIRST = datetime(2026, 7, 8, 4, 30, tzinfo=UTC)
REPORT = timedelta(minutes=5)
UNLIMITED = 1_000_000_000


@dataclass
class Told:
    """A clock that stands until it is told the time."""

    present: datetime = FIRST

    def now(self) -> datetime:
        return self.present

    def monotonic(self) -> float:
        return monotonic()


@dataclass(frozen=True)
class Plugged(Driven):
    """A car at home that always charges, and has something new to say every five minutes."""

    def state_at(self, when: datetime) -> State:
        """Two tenths of a per cent a minute, from a fifth on."""
        minutes = (when - FIRST) / timedelta(minutes=1)
        soc = min(0.99, 0.2 + 0.002 * minutes)
        return State(
            when, soc, plugged=True, charging=True, fast=False, full=False, power=7.2,
            added=(soc - 0.2) * self.habits.capacity, minutes_left=90, odometer=self.began,
            latitude=30.27, longitude=-97.74, at_home=True, driving=False, asleep=False,
        )  # fmt: skip

    def reported(self, when: datetime) -> datetime:
        """Five minutes ago at most."""
        return when - (when - FIRST) % REPORT


async def _serve(vehicles: int) -> None:
    clock = Told()
    cars = [Vehicle(named_id(f"car {n}"), "TESLA", "Model 3", 2021, Plugged()) for n in range(vehicles)]
    async with SmartcarSimulator(cars, clock=clock, monthly_calls=UNLIMITED) as vendor:
        found = []
        for car in cars:
            vendor.link(car.id, user=f"owner of {car.id}")
            pair = vendor.issuer.pair(f"owner of {car.id}")
            found.append((car.id, pair["access_token"], pair["refresh_token"]))
        print(json.dumps([vendor.url, found]), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            clock.present = datetime.fromisoformat(line.strip())
            vendor.calls.clear()
            print("ok", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
