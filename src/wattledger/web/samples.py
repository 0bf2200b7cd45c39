"""A unit's reports with the telemetry that was known when each came: rows of history and export."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from wattledger.store import Store
from wattledger.store.observed.observations import ObservationRow
from wattledger.store.rows import UsagePointRow

TELEMETRY = ("humidity_pct", "temperature_c", "mode", "fan_mode")
DAY = timedelta(hours=24)
MOST = 200_000
BEFORE = 600
"""observations looked back for telemetry that was said before the first row"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One report: what it booked (Wh), its register, telemetry, and what was booked in the 24 h up to it."""

    point: UsagePointRow
    at: datetime
    wh: Decimal
    register: float | None
    telemetry: Mapping[str, Any]
    rolling: Decimal
    verdict: str | None
    received_at: datetime | None


async def samples(store: Store, point: UsagePointRow, start: datetime, end: datetime) -> list[Sample]:
    """The samples of [start, end), newest first."""
    rows = await store.observations.list(point, start - DAY, end, MOST)
    known: dict[str, tuple[datetime, Any]] = {}
    for row in reversed(await store.observations.list(point, EARLIEST, start - DAY, BEFORE, newest=True)):
        _learn(known, row)
    for name, said in (await store.observations.latest([point])).get(point.n, {}).items():
        if name in TELEMETRY and said.at < start - DAY:
            known[name] = (said.at, said.value)
    metered = any(row.verdict for row in rows)
    found = [s for s in _samples(point, rows, known, metered) if s.at >= start]
    return sorted(found, key=lambda s: s.at, reverse=True)


EARLIEST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def _samples(
    point: UsagePointRow,
    rows: Iterable[ObservationRow],
    known: dict[str, tuple[datetime, Any]],
    metered: bool,
) -> Iterator[Sample]:
    window = _Window()
    ordered = sorted(rows, key=lambda row: (row.payload, row.at))
    for _, together in groupby(ordered, key=lambda row: row.payload):
        told = list(together)
        for row in told:
            _learn(known, row)
        telemetry = {name: value for name, (_, value) in known.items()}
        for row in told:
            if row.verdict or (not metered and telemetry.keys() & row.values.keys()):
                wh = Decimal(row.booked_wh or 0)
                yield Sample(
                    point, row.at, wh, _number(row.values.get("register_wh")), telemetry,
                    window.add(row.at, wh), row.verdict, row.received_at,
                )  # fmt: skip


class _Window:
    """The sum of what was booked in the 24 hours up to a report; reports come almost in their order."""

    def __init__(self) -> None:
        self._held: deque[tuple[datetime, Decimal]] = deque()
        self._total = Decimal(0)

    def add(self, at: datetime, wh: Decimal) -> Decimal:
        while self._held and self._held[0][0] <= at - DAY:
            self._total -= self._held.popleft()[1]
        if wh:
            self._held.append((at, wh))
            self._total += wh
        return self._total


def _learn(known: dict[str, tuple[datetime, Any]], row: ObservationRow) -> None:
    for name in TELEMETRY:
        if name in row.values and (name not in known or known[name][0] <= row.at):
            known[name] = (row.at, row.values[name])


def _number(text: Any) -> float | None:
    return None if text is None else float(text)
