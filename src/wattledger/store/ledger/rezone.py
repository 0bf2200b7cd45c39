"""Blocks of days in one zone as blocks of days in another: every quarter-hour keeps its instant. Pure."""

from __future__ import annotations

import numpy as np

from wattledger import localday
from wattledger.model import MISSING, EnergyDays

_QUARTER_SECONDS = 900


def rezone(days: EnergyDays, said: list[str], meant: list[str]) -> tuple[EnergyDays, list[str]]:
    """Blocks whose usage points mean other days than the file says, re-cut; and the zones by point.

    Raises Refused for an unknown zone.
    """
    for name in {*said, *meant}:
        localday.zone(name)
    moved = [i for i, (a, b) in enumerate(zip(said, meant, strict=True)) if a != b]
    if not moved:
        return days, meant
    parts = [days.take(~np.isin(days.point, moved))]
    for index in moved:
        parts.append(_cut(days.take(days.point == index), said[index], meant[index]))
    return EnergyDays.concat(parts), meant


def _cut(days: EnergyDays, said: str, meant: str) -> EnergyDays:
    """The same instants by the days of `meant`: each block becomes up to three."""
    block, slot = np.nonzero(days.values != MISSING)
    if not len(block):
        return days.take(np.zeros(len(days), bool))
    begins = np.array([_quarter(int(n), said) for n in days.day], np.int64)
    quarter = begins[block] + slot
    numbers = np.arange(int(days.day.min()) - 2, int(days.day.max()) + 3)
    starts = np.array([_quarter(int(n), meant) for n in numbers], np.int64)
    at = np.searchsorted(starts, quarter, side="right") - 1
    pairs, where = np.unique(np.stack([block, at]), axis=1, return_inverse=True)
    out = EnergyDays.empty(pairs.shape[1])
    source = pairs[0]
    out.point, out.flow, out.revision = days.point[source], days.flow[source], days.revision[source]
    out.line = days.line[source]
    out.day = numbers[pairs[1]].astype(np.int32)
    target = (where.reshape(-1), quarter - starts[at])
    out.values[target], out.flags[target] = days.values[block, slot], days.flags[block, slot]
    return out


def _quarter(n: int, tz: str) -> int:
    return int(localday.start(n, tz).timestamp()) // _QUARTER_SECONDS
