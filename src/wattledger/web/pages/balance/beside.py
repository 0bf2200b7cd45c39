"""Another period's meter laid beside the columns: the one before, or the same a year ago."""

from __future__ import annotations

from datetime import timedelta

from wattledger.store import Store
from wattledger.units import kwh
from wattledger.web.balance import Placed
from wattledger.web.pages.balance.sheet import BalanceSheet, Bar, bars_of, whole_of
from wattledger.web.pages.balance.turning import Compare
from wattledger.web.pages.period import Period

YEAR = timedelta(days=364)
"""fifty-two weeks, so that weekdays lie on weekdays"""


async def compared(
    store: Store, points: Placed, sheet: BalanceSheet, compare: Compare
) -> list[float | None] | None:
    """kWh of the meter by column of the other period, None where not wholly known; None for no comparison."""
    if not compare:
        return None
    other = _other(sheet.period, compare)
    whole = await whole_of(store, points, other, sheet.timezone)
    found = [_whole(bar) for bar in bars_of(whole, other, sheet.timezone)]
    missing: list[float | None] = [None] * (len(sheet.bars) - len(found))
    return [*found, *missing][: len(sheet.bars)]


def _other(period: Period, compare: Compare) -> Period:
    if compare == "previous":
        return period.previous()
    if period.by in ("day", "week"):
        return Period.around(period.by, period.start - YEAR)
    return Period.around(period.by, period.start.replace(year=period.start.year - 1))


def _whole(bar: Bar) -> float | None:
    return kwh(bar.meter) if bar.meter is not None and bar.one.metered.all() else None
