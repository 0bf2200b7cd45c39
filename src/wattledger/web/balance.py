"""A site's equation, read from the ledger: which usage points stand in it, and their quarter-hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from wattledger import localday
from wattledger.insight.equation import (
    PART,
    WHOLE,
    Equation,
    Part,
    Track,
    all_of,
    lay,
    nested,
    place_of,
    sum_of,
)
from wattledger.localday import QUARTER
from wattledger.model import Flow
from wattledger.store import Store
from wattledger.store.rows import UsagePointRow

ORDER = {"vehicle": 0, "appliance": 1, "meter": 2}


@dataclass(frozen=True, slots=True)
class Placed:
    """A site's usage points by their side of the equation."""

    wholes: list[UsagePointRow]
    parts: list[UsagePointRow]

    @property
    def parents(self) -> dict[str, str]:
        """Part -> the part that it is inside of, as its owner chose."""
        known = {p.id for p in self.parts}
        chosen = {p.id: str(p.choices.get("parent")) for p in self.parts if p.choices.get("parent")}
        return {id: parent for id, parent in chosen.items() if parent in known and parent != id}


async def placed(store: Store, site: str) -> Placed:
    """Meters as the whole; then cars, units and sub-meters, by name."""
    points = await store.points.list(site)
    parts = [p for p in points if place_of(p.kind, p.choices) == PART]
    parts.sort(key=lambda p: (ORDER.get(p.kind, 9), p.name.casefold(), p.external_id))
    return Placed([p for p in points if place_of(p.kind, p.choices) == WHOLE], parts)


async def equation(store: Store, found: Placed, start: datetime, end: datetime) -> Equation:
    """The equation of [start, end), whole quarter-hours."""
    n = (end - start) // QUARTER

    async def track(point: UsagePointRow, flow: Flow) -> Track:
        first = localday.locate(start, point.timezone)[0]
        last = localday.locate(end - timedelta(microseconds=1), point.timezone)[0]
        return lay(await store.energy.days(point.id, flow, first, last), start, n)

    meters = [await track(p, Flow.DELIVERED) for p in found.wholes]
    sent = [t for p in found.wholes if (t := await track(p, Flow.RECEIVED)).known.any()]
    parts = [Part(p.id, p.name, p.kind, await track(p, Flow.DELIVERED)) for p in found.parts]
    whole = all_of(meters)
    if whole is None and not parts:
        whole = Track.empty(n)
    return Equation(start, whole, sum_of(sent, n) if sent else None, nested(parts, found.parents))


async def newest_metered(store: Store, found: Placed) -> int | None:
    """The local day of the newest reading that every meter of the site has; None without any."""
    days = []
    for point in found.wholes:
        known = await store.energy.coverage(point, Flow.DELIVERED)
        if known.last_day is None:
            return None
        days.append(localday.number(known.last_day))
    return min(days, default=None)
