"""The period before, beside each bar: like with like, on every calendar."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from wattledger import localday
from wattledger.store.rows import DayBlock
from wattledger.web.pages.chart import Bar
from wattledger.web.pages.meter.compare import beside
from wattledger.web.pages.period import By, Period
from wattledger.web.pages.slots import gather

TZ = "America/Chicago"


def flat(period: Period, wh: int) -> list[DayBlock]:
    """Every quarter-hour of a period with the same energy."""
    found = []
    for day in period.days:
        number = localday.number(day)
        n = localday.slots(number, TZ)
        values = np.full(n, wh, np.int32)
        found.append(DayBlock(number, TZ, values, np.zeros(n, np.uint8), 0, 1, n * wh, n, 0))
    return found


def bar(when: date, slot: int = 0) -> Bar:
    start = localday.instant(localday.number(when), slot, TZ)
    return Bar(start, "", "", 1, 0, "actual", 1, 1, str(when))


@pytest.mark.parametrize(
    ("by", "day", "slots", "energy"),
    [
        ("day", date(2026, 7, 14), 1, 0.01),
        ("week", date(2026, 7, 14), 4, 0.04),
        ("month", date(2026, 7, 14), 96, 0.96),
    ],
)
def test_each_bar_stands_beside_its_like(by: By, day: date, slots: int, energy: float) -> None:
    period = Period.around(by, day)
    before = gather(period.previous(), TZ, flat(period.previous(), 10), (0, 99_999))
    assert beside(period, TZ, [bar(period.start)], before) == [energy]
    assert slots * 10 == round(energy * 1000)


def test_a_longer_month_has_days_without_a_like() -> None:
    period = Period.around("month", date(2026, 7, 31))
    before = gather(period.previous(), TZ, flat(period.previous(), 10), (0, 99_999))
    assert beside(period, TZ, [bar(date(2026, 7, 30)), bar(date(2026, 7, 31))], before) == [0.96, None]


def test_what_is_not_whole_is_not_compared() -> None:
    period = Period.around("month", date(2026, 7, 14))
    blocks = flat(period.previous(), 10)[1:]
    before = gather(period.previous(), TZ, blocks, (0, 99_999))
    assert beside(period, TZ, [bar(date(2026, 7, 1)), bar(date(2026, 7, 2))], before) == [None, 0.96]


def test_the_second_pass_of_the_doubled_hour_has_no_like() -> None:
    fall = date(2025, 11, 2)
    period = Period.around("day", fall)
    before = gather(period.previous(), TZ, flat(period.previous(), 10), (0, 99_999))
    found = beside(period, TZ, [bar(fall, i) for i in range(100)], before)
    assert found[4:8] == [0.01] * 4
    assert found[8:12] == [None] * 4
    assert found[12:] == [0.01] * 88
