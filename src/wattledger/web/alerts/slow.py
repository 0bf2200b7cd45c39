"""What changes only with the ledger: missing days, and parts that explain too much. Looked at now and then.

A site is looked at when its newest day changes and every quarter of an hour, at most a hundred sites a
minute; in between what was found last is what is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wattledger import localday
from wattledger.insight.alert_findings import GAP_DAYS, OVER_DAYS, Gaps, Over, missing_days, over_of
from wattledger.store import Store
from wattledger.store.alerts.seen import MeterSeen
from wattledger.web.balance import equation, placed

EVERY = timedelta(minutes=15)
MOST_SITES = 100


@dataclass(slots=True)
class Known:
    """What was found of a site, from which newest days, when."""

    days: tuple[int | None, ...]
    at: datetime
    gaps: list[Gaps] = field(default_factory=list)
    over: Over | None = None


class Slow:
    """Keeps what was found by site."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.known: dict[str, Known] = {}

    async def look(
        self, meters: Mapping[str, Sequence[MeterSeen]], zones: Mapping[str, str], now: datetime
    ) -> None:
        """Look again at sites whose turn it is; the longest not looked at first."""
        due = [site for site in zones if self._due(site, meters.get(site, ()), now)]
        due.sort(key=lambda site: self.known[site].at.timestamp() if site in self.known else 0.0)
        some = due[:MOST_SITES]
        gaps = await self._gaps([row for site in some for row in meters.get(site, ())])
        several = await self._store.seen.with_parts() if some else set()
        for site in some:
            rows = meters.get(site, ())
            found = Known(_days(rows), now, [gaps[row.n] for row in rows if row.n in gaps])
            if site in several:
                found.over = await self._over(site, rows, zones[site])
            self.known[site] = found
        self.known = {site: known for site, known in self.known.items() if site in zones}

    def _due(self, site: str, rows: Sequence[MeterSeen], now: datetime) -> bool:
        known = self.known.get(site)
        return known is None or known.days != _days(rows) or now - known.at >= EVERY

    async def _gaps(self, rows: Sequence[MeterSeen]) -> dict[int, Gaps]:
        newest = {row.n: row.newest for row in rows if row.newest is not None}
        first = await self._store.seen.first_days(newest)
        counted = await self._store.seen.found(newest, GAP_DAYS)
        gaps = {}
        for row in rows:
            if row.newest is None or row.n not in first:
                continue
            since = max(first[row.n], row.newest - GAP_DAYS)
            days = missing_days(counted[row.n], since, row.newest, row.tz)
            gaps[row.n] = Gaps(row.id, row.name, row.tz, days)
        return gaps

    async def _over(self, site: str, rows: Sequence[MeterSeen], tz: str) -> Over | None:
        points = await placed(self._store, site)
        newest = {row.id: row.newest for row in rows}
        ends = [newest.get(point.id) for point in points.wholes]
        if not points.parts or not ends or None in ends:
            return None
        last = min(day for day in ends if day is not None)
        start, end = localday.start(last - OVER_DAYS + 1, tz), localday.start(last + 1, tz)
        return over_of(await equation(self._store, points, start, end), tz)


def _days(rows: Sequence[MeterSeen]) -> tuple[int | None, ...]:
    return tuple(row.newest for row in rows)
