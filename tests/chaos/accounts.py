"""What must be true of accounts that hubs poll, once nobody works any more; every sentence is a failure."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from tests.chaos import ledger
from tests.chaos.vendors import CAPACITY, SITE, Running, Vendors
from tests.chaos.world import World
from wattledger.charging import Battery
from wattledger.model import Flow, PointKind
from wattledger.simulators.smartcar_garage import Vehicle
from wattledger.store import Store
from wattledger.store.observed.observations import ObservationRow
from wattledger.store.rows import UsagePointRow

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
MOST = 150
"""calls in ten seconds that are no storm: polls every two seconds, by processes that begin anew"""
SIGNED_IN = ("ok", "late")
CLOSE = Decimal("1.5")
"""Wh that rounding of the state of charge may cost"""


@dataclass
class Collected:
    """How often each account was seen to be collected."""

    at: dict[str, set[object]] = field(default_factory=lambda: defaultdict(set))

    def in_order(self, world: World) -> bool:
        """Whether every account was collected twice, and without trouble the last time.

        Where nothing is scaled a pause may be longer than a run settles: to be signed in is enough.
        """
        found = ledger.accounts(world)
        for held in found:
            self.at[held.connector].add(held.success)
        if not world.plan.scaled:
            return all(held.state in SIGNED_IN for held in found)
        twice = all(len(self.at[name] - {None}) >= 2 for name in Vendors.names)
        return twice and all(held.state == "ok" for held in found)


async def judged(store: Store, vendors: Vendors, world: World) -> list[str]:
    """All that is wrong with them."""
    wrong = [
        f"the account of {held.connector} is {held.state}: {held.error}"
        for held in ledger.accounts(world)
        if held.state not in SIGNED_IN
    ]
    site = next(site.id for site in await store.sites.list() if site.name == SITE)
    await _read_what_waits(store, site)
    points = await store.points.list(site)
    for point in points:
        seen = await Point.of(store, point)
        if point.kind == PointKind.APPLIANCE:
            unit = next(unit for unit in vendors.smartthings.units if unit.id in point.external_id)
            assert isinstance(unit, Running)
            wrong += [f"{point.name}: {line}" for line in _unit(seen, unit)]
        else:
            car = vendors.smartcar.garage.vehicles[point.external_id]
            wrong += [f"{point.name}: {line}" for line in _car(seen, car)]
    if len(points) != len(vendors.smartthings.units) + len(vendors.smartcar.cars):
        wrong.append(f"{len(points)} units and cars are known")
    for row in await store.vehicles.list(site):
        if row.calls < (billed := vendors.smartcar.billed(row.external_id)):
            wrong.append(f"{row.external_id}: {row.calls} calls are counted, {billed} were billed")
    if (most := vendors.most_calls()) > MOST:
        wrong.append(f"{most} calls within ten seconds")
    before = await store.digest(site)
    if (await store.replay(site)).digest != before:
        wrong.append("what units and cars said, read anew, is another ledger")
    return wrong


@dataclass(frozen=True)
class Point:
    """What is stored of one unit or car."""

    rows: Sequence[ObservationRow]
    wh: int
    """in the ledger"""

    @classmethod
    async def of(cls, store: Store, point: UsagePointRow) -> Point:
        rows = await store.observations.list(point, EARLIEST, LATEST, 1_000_000)
        return cls(rows, (await store.energy.coverage(point, Flow.DELIVERED)).total_wh)


async def _read_what_waits(store: Store, site: str) -> None:
    """What whoever stopped has archived and not read."""
    async with asyncio.timeout(60):
        while any(row.state == "stored" for row in await store.payloads.list(site, limit=500)):
            await store.payloads.read_orphans()
            await asyncio.sleep(0.5)


def _unit(seen: Point, unit: Running) -> Iterator[str]:
    """Each report is true and counts once; booked is the counter's way from the first to the last."""
    reports = [row for row in seen.rows if row.values.get("register_wh") is not None]
    ends = Counter(row.values["report_end"] for row in reports if Decimal(row.booked_wh or 0) > 0)
    if twice := [end for end, count in ends.items() if count > 1]:
        yield f"booked more than once: {twice[:3]}"
    told = [row.values for row in reports]
    known = {datetime.fromisoformat(said["report_end"]): int(said["register_wh"]) for said in told}
    if false := [end for end, wh in known.items() if wh != unit.register(end)]:
        yield f"the unit never said what is stored for {false[:3]}"
    if not known:
        yield "no report is known"
    elif seen.wh != (way := known[max(known)] - known[min(known)]):
        yield f"{seen.wh} Wh are booked, its counter moved by {way}"


def _car(seen: Point, car: Vehicle) -> Iterator[str]:
    """Each state of charge is true; booked is what it rose by from the first to the last."""
    told = {row.at: Decimal(str(row.values["soc_pct"])) for row in seen.rows if "soc_pct" in row.values}
    truth = {at: Decimal(str(100 * car.car.state_at(at).soc)) for at in told}
    if false := [at for at, soc in told.items() if abs(soc - truth[at]) > Decimal("0.001")]:
        yield f"the car never said what is stored for {false[:3]}"
    if not told:
        yield "no state of charge is known"
        return
    rose = (told[max(told)] - told[min(told)]) * Decimal(CAPACITY) * 10 / Battery().efficiency
    if abs(seen.wh - rose) > CLOSE:
        yield f"{seen.wh} Wh are booked, its battery took {rose:.1f} from the wall"
