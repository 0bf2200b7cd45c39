"""Blocks laid out along a period: nothing lost, nothing invented, ribbon and parts agree."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wattledger import localday
from wattledger.model import MISSING, Flag
from wattledger.store.rows import DayBlock
from wattledger.web.pages import heat
from wattledger.web.pages.meter.sheet import change, ledger
from wattledger.web.pages.period import WAYS, By, Period
from wattledger.web.pages.slots import Slots, State, edges, gather, runs

TZ = "America/Chicago"
UNHURRIED = settings(deadline=None, max_examples=40)
ANCHORS = st.sampled_from([date(2025, 11, 2), date(2026, 3, 8), date(2025, 12, 31), date(2026, 7, 14)])


def block(day: int, seed: int) -> DayBlock:
    """A stored day with some missing and some estimated quarter-hours."""
    chance = np.random.default_rng([seed, day])
    n = localday.slots(day, TZ)
    values = chance.integers(0, 3000, n).astype(np.int32)
    values[chance.random(n) < 0.1] = MISSING
    flags = np.where((values != MISSING) & (chance.random(n) < 0.2), int(Flag.ESTIMATED), 0).astype(np.uint8)
    known = values[values != MISSING]
    return DayBlock(day, TZ, values, flags, 0, 1, int(known.sum()), len(known), int((flags & 1).sum()))


def laid_out(by: By, day: date, seed: int) -> tuple[Period, Slots, list[DayBlock]]:
    period = Period.around(by, day)
    chance = np.random.default_rng(seed)
    numbers = [localday.number(d) for d in period.days]
    blocks = [block(n, seed) for n in numbers if chance.random() < 0.8]
    return period, gather(period, TZ, blocks, (numbers[0], numbers[-1])), blocks


@UNHURRIED
@given(st.sampled_from(WAYS), ANCHORS, st.integers(0, 50))
def test_every_watt_hour_is_kept_and_parts_sum_to_the_whole(by: By, day: date, seed: int) -> None:
    period, slots, blocks = laid_out(by, day, seed)
    assert int(slots.wh.sum()) == sum(b.total_wh for b in blocks)
    assert slots.count(State.ESTIMATED) == sum(b.estimated for b in blocks)
    assert slots.count(State.ACTUAL) + slots.count(State.ESTIMATED) == sum(b.found for b in blocks)
    lines = ledger(period, slots, slots)
    assert sum(line.wh for line in lines) == int(slots.wh.sum())
    assert sum(len(line.slots.wh) for line in lines) == len(slots.wh)


@UNHURRIED
@given(st.sampled_from(WAYS), ANCHORS, st.integers(0, 50))
def test_the_ribbon_covers_the_axis_without_holes(by: By, day: date, seed: int) -> None:
    period, slots, _ = laid_out(by, day, seed)
    bars = {"interval": len(slots.wh), "hour": len(slots.wh) // 4, "day": len(period.days), "month": 12}
    found = list(runs(slots, edges(slots, period, bars[period.step])))
    assert found[0][0] == 0
    assert found[-1][1] == 1
    assert all(a[1] == b[0] and a[2] != b[2] for a, b in pairwise(found))


@UNHURRIED
@given(ANCHORS, st.integers(0, 50))
def test_the_heat_map_has_the_same_energy(day: date, seed: int) -> None:
    period, slots, _ = laid_out("month", day, seed)
    found = heat.document(period, slots, edges(slots, period, len(period.days)))
    assert sum(round(v * 1000) for d in found["kwh"] for v in d if v is not None) == int(slots.wh.sum())
    assert [len(s) for s in found["state"]] == [len(k) for k in found["kwh"]]
    assert {23, 24, 25} >= {len(s) for s in found["state"]}


def test_before_the_first_and_after_the_newest_nothing_is_missing() -> None:
    period = Period.around("month", date(2026, 7, 14))
    tenth = localday.number(date(2026, 7, 10))
    slots = gather(period, TZ, [block(tenth, 1)], (tenth, tenth + 1))
    assert slots.count(State.NONE) == 96 * 29
    assert gather(period, TZ, [], None).count(State.NONE) == 96 * 31


def test_unlike_periods_are_not_compared() -> None:
    period, holed, _ = laid_out("week", date(2026, 7, 14), 3)
    assert change(holed, holed) is None
    whole = Slots(np.full(96, 5, np.int64), np.full(96, State.ACTUAL, np.uint8), np.array([0, 96]), 0)
    more = Slots(np.full(96, 7, np.int64), np.full(96, State.ACTUAL, np.uint8), np.array([0, 96]), 0)
    assert change(more, whole) == 192
    assert period.by == "week"


def test_where_readings_run_on_the_ends_of_both_days_are_open() -> None:
    period = Period.around("month", date(2026, 7, 1))
    days = [block(localday.number(date(2026, 7, n)), n) for n in (1, 31)]
    for one, gone in zip(days, (slice(0, 40), slice(60, None)), strict=True):
        one.values[:] = 7
        one.values[gone] = MISSING
        one.values[50] = MISSING
    known = (days[0].day, days[1].day)
    whole = gather(period, TZ, days, known)
    opened = gather(period, TZ, days, known, running=True)
    assert (whole.count(State.NONE), whole.count(State.MISSING)) == (0, 29 * 96 + 40 + 36 + 2)
    assert (opened.count(State.NONE), opened.count(State.MISSING)) == (40 + 36, 29 * 96 + 2)
