"""Units that cool and appliances with a register, as dashboards and pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from wattledger import localday
from wattledger.localday import QUARTER
from wattledger.model import Flow, PointKind
from wattledger.store import Store
from wattledger.store.observed.observations import Said
from wattledger.store.rows import SeriesPoint, UsagePointRow

DAY = timedelta(hours=24)
RUNNING_WH = 5
"""in a quarter-hour: a mean of 20 W, more than standing by takes"""
HOUR = timedelta(hours=1)
NOT_FROM_DEVICE = frozenset({"fetch_code", "fetch_message", "health"})


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit now. Energy in Wh; `hours` are whole hours of the zone, the present one last."""

    point: UsagePointRow
    today: int
    rolling: int
    running: timedelta
    """how long it ran today: quarter-hours with at least RUNNING_WH"""
    hours: Sequence[SeriesPoint]
    said: Mapping[str, Said] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """The vendor's id of the device."""
        return self.point.details.get("device_id", self.point.external_id)

    @property
    def location(self) -> str:
        """The place's name, else its id."""
        return place(self.point)

    @property
    def newest(self) -> datetime | None:
        """When the device last said something."""
        return reported(self.said)

    @property
    def offline(self) -> datetime | None:
        """Since when it is offline, None where it is not."""
        return offline_since(self.said)

    def value(self, name: str) -> Any:
        """The newest value of a name, None where there is none."""
        return self.said[name].value if name in self.said else None


def reported(said: Mapping[str, Said]) -> datetime | None:
    """When a device last said something itself."""
    return max((one.at for name, one in said.items() if name not in NOT_FROM_DEVICE), default=None)


def offline_since(said: Mapping[str, Said]) -> datetime | None:
    """Since when the vendor calls a device offline; a report after that says that it is back."""
    health, newest = said.get("health"), reported(said)
    if health is None or health.value != "OFFLINE" or (newest is not None and newest > health.at):
        return None
    return health.at


def place(point: UsagePointRow) -> str:
    """A usage point's location: its name, else its id."""
    return point.details.get("location") or point.details.get("location_id") or "unknown_location"


async def appliances(store: Store, site: str | None) -> list[UsagePointRow]:
    """The appliances of a site by name; two of one name stay two."""
    points = [p for p in await store.points.list(site) if p.kind == PointKind.APPLIANCE]
    return sorted(points, key=lambda p: (p.name.casefold(), p.external_id))


async def units(store: Store, site: str, zone: str, now: datetime) -> list[Unit]:
    """Every appliance of a site with its energy of today and of the last 24 hours."""
    points = await appliances(store, site)
    latest = await store.observations.latest(points)
    return [await _unit(store, point, zone, now, latest.get(point.n, {})) for point in points]


async def _unit(
    store: Store, point: UsagePointRow, zone: str, now: datetime, said: Mapping[str, Said]
) -> Unit:
    midnight = localday.start(localday.today(now, zone), zone)
    until = _ceiling(now)
    today = await _slots(store, point, midnight, max(until, midnight + QUARTER))
    rolling = await _slots(store, point, until - DAY, until)
    running = sum(wh >= RUNNING_WH for wh in today) * QUARTER
    return Unit(point, sum(today), sum(rolling), running, await _hours(store, point, zone, now), said)


async def _slots(store: Store, point: UsagePointRow, start: datetime, end: datetime) -> list[int]:
    slots = await store.energy.series(point, Flow.DELIVERED, start, end, "interval")
    return [slot.wh or 0 for slot in slots]


async def _hours(store: Store, point: UsagePointRow, zone: str, now: datetime) -> list[SeriesPoint]:
    """Twenty-four hours of the zone's clock, the last of them running."""
    day, slot = localday.locate(now, zone)
    last = localday.instant(day, slot - slot % 4, zone)
    first = last - 23 * HOUR
    slots = await store.energy.series(point, Flow.DELIVERED, first, last + HOUR, "interval")
    return [_hour(slots[i : i + 4]) for i in range(0, len(slots), 4)]


def _hour(slots: Sequence[SeriesPoint]) -> SeriesPoint:
    known = [s.wh for s in slots if s.wh is not None]
    quality = next((s.quality for s in slots if s.quality == "derived"), slots[0].quality)
    wh = sum(known) if known else None
    return SeriesPoint(slots[0].start, slots[-1].end, wh, quality, len(known), len(slots))


def _ceiling(now: datetime) -> datetime:
    passed = (now - datetime.fromtimestamp(0, UTC)) % QUARTER
    return now - passed + QUARTER if passed else now
