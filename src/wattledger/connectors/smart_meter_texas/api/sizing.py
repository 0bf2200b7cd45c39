"""How a long backfill is cut so that no day asks for more than the vendor takes.

The vendor drops what is over its limits without a word. Its table of requests a day (vendor notes, section
2.3): 20 of 1 ESIID x 365 days, 20 of 10 x 20, 20 of 50 x 5, 10 of 100 x 2, 10 of 200 x 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

MOST_ESIIDS = 200
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tier:
    """One line of the vendor's table: `a_day` requests of at most `esiids` x `days`."""

    a_day: int
    esiids: int
    days: int


TIERS = (Tier(20, 1, 365), Tier(20, 10, 20), Tier(20, 50, 5), Tier(10, 100, 2), Tier(10, MOST_ESIIDS, 1))


@dataclass(frozen=True, slots=True)
class Ask:
    """One backfill request: these ESIIDs from `first` to `last`, both included; `share` of a day's limit."""

    esiids: tuple[str, ...]
    first: date
    last: date
    share: float


def plan(esiids: Sequence[str], first: date, last: date) -> list[list[Ask]]:
    """The requests of each day to come, today's first, in the tier that needs the fewest days."""
    days = (last - first).days + 1
    tier = min(TIERS, key=lambda t: _cost(t, len(esiids), days))
    asks = [
        Ask(part, start, min(last, start + timedelta(days=tier.days - 1)), 1 / tier.a_day)
        for start in (first + timedelta(days=i) for i in range(0, days, tier.days))
        for part in _parts(esiids, tier.esiids)
    ]
    return [list(today) for today in _parts(asks, tier.a_day)]


def _cost(tier: Tier, esiids: int, days: int) -> tuple[int, int]:
    requests = -(-esiids // tier.esiids) * -(-days // tier.days)
    return -(-requests // tier.a_day), requests


def _parts(items: Sequence[T], size: int) -> list[tuple[T, ...]]:
    return [tuple(items[i : i + size]) for i in range(0, len(items), size)]
