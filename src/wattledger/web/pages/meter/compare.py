"""The period before, laid under the chart's bars: the same clock time, weekday, day or month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from wattledger import localday
from wattledger.units import kwh
from wattledger.web.pages.chart import Bar
from wattledger.web.pages.period import Period, Step
from wattledger.web.pages.slots import Slots, State, edges

_PATTERNS: dict[Step, str] = {"interval": "%H:%M", "hour": "%w %H", "day": "%d", "month": "%m"}


def beside(period: Period, tz: str, shown: Sequence[Bar], before: Slots) -> list[float | None]:
    """For each bar the kWh of its like in the period before; None where that isn't wholly known.

    Where clocks move, the doubled hour's second pass has none, and a skipped hour has none to show.
    """
    pattern = _PATTERNS[period.step]
    zone = localday.zone(tz)
    known: dict[str, float | None] = {}
    earlier = period.previous()
    for start, energy in _bars(earlier, tz, before):
        known.setdefault(start.astimezone(zone).strftime(pattern), energy)
    return [known.pop(bar.start.astimezone(zone).strftime(pattern), None) for bar in shown]


def _bars(period: Period, tz: str, slots: Slots) -> list[tuple[datetime, float | None]]:
    counts = {"interval": len(slots.wh), "hour": len(slots.wh) // 4, "day": len(period.days), "month": 12}
    cuts = edges(slots, period, counts[period.step])
    first = localday.number(period.start)
    days = np.searchsorted(slots.offsets, cuts[:-1], side="right") - 1
    unknown = np.isin(slots.state, (State.NONE, State.MISSING))
    found: list[tuple[datetime, float | None]] = []
    for begin, end, day in zip(cuts[:-1], cuts[1:], days, strict=True):
        start = localday.instant(first + int(day), int(begin - slots.offsets[day]), tz)
        whole = not unknown[begin:end].any()
        found.append((start, kwh(int(slots.wh[begin:end].sum())) if whole else None))
    return found
