"""What a day usually takes: the median of the same weekday in the weeks before. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

WEEKS = 8
FEWEST = 3
"""whole days of that weekday that must be known"""


def typical(totals: Mapping[int, int], day: int) -> int | None:
    """Wh of a usual day like local day `day`, of the whole days in `totals`; None where too few are known."""
    alike = [totals[day - 7 * week] for week in range(1, WEEKS + 1) if day - 7 * week in totals]
    return round(median(alike)) if len(alike) >= FEWEST else None
