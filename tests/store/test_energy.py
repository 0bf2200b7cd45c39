"""Series by step, days of 92, 96 and 100 quarter-hours, gaps, revisions, coverage."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.store.fake import block, file

from wattledger import localday
from wattledger.errors import Refused
from wattledger.model import Flag, Flow
from wattledger.store import Store, UsagePointRow

METER = "10443720001234567"
FALL, SPRING = date(2024, 11, 3), date(2024, 3, 10)
D = Flow.DELIVERED


async def meter(store: Store, site: str, *blocks: dict[str, object]) -> UsagePointRow:
    await store.payloads.deliver(site, file(*blocks))
    return await store.points.by_external(METER)


def n(day: date) -> int:
    return localday.number(day)


async def test_the_doubled_hour_is_two_hours(store: Store, site: str) -> None:
    point = await meter(store, site, block(n(FALL), list(range(100))))
    hours = await store.energy.series(point, D, FALL, FALL + timedelta(1), "hour")
    assert len(hours) == 25
    assert [h.wh for h in hours] == [sum(range(4 * i, 4 * i + 4)) for i in range(25)]
    assert hours[1].start == datetime(2024, 11, 3, 6, tzinfo=UTC)
    assert all(h.end - h.start == timedelta(hours=1) for h in hours)
    assert all(a.end == b.start for a, b in itertools.pairwise(hours))


async def test_the_skipped_hour_is_none(store: Store, site: str) -> None:
    point = await meter(store, site, block(n(SPRING), [1] * 92))
    hours = await store.energy.series(point, D, SPRING, SPRING + timedelta(1), "hour")
    assert (len(hours), sum(h.expected for h in hours)) == (23, 92)
    (day,) = await store.energy.series(point, D, SPRING, SPRING + timedelta(1), "day")
    assert (day.wh, day.found, day.expected, day.quality) == (92, 92, 92, "actual")
    assert day.end - day.start == timedelta(hours=23)


async def test_months_are_local_and_null_where_nothing_is_known(store: Store, site: str) -> None:
    point = await meter(
        store, site, block(n(date(2024, 1, 31)), [1] * 96), block(n(date(2024, 2, 1)), [2] * 96)
    )
    months = await store.energy.series(point, D, date(2024, 1, 1), date(2024, 4, 1), "month")
    assert [m.wh for m in months] == [96, 192, None]
    assert [m.quality for m in months] == ["actual", "actual", "missing"]
    assert [m.expected for m in months] == [31 * 96, 29 * 96, 31 * 96 - 4]
    assert months[0].start == datetime(2024, 1, 1, 6, tzinfo=UTC)
    assert months[2].end == datetime(2024, 4, 1, 5, tzinfo=UTC)


async def test_bounds_cut_days_at_slots(store: Store, site: str) -> None:
    day = date(2024, 7, 4)
    point = await meter(store, site, block(n(day), [1] * 96), block(n(day) + 1, [1] * 96))
    start = datetime(2024, 7, 4, 17, 10, tzinfo=UTC)
    end = datetime(2024, 7, 5, 7, 0, tzinfo=UTC)
    for by in ("interval", "hour", "day", "month"):
        series = await store.energy.series(point, D, start, end, by)
        assert sum(p.wh or 0 for p in series) == 55, by
        assert series[0].start == datetime(2024, 7, 4, 17, 15, tzinfo=UTC)
        assert series[-1].end == end
        assert sum(p.expected for p in series) == 55


async def test_qualities(store: Store, site: str) -> None:
    flags = [Flag.ESTIMATED] * 48 + [Flag.ACTUAL] * 48
    point = await meter(store, site, block(20000, [1] * 96, fl=flags), block(20001, [1] * 96, fl=[1] * 96))
    days = await store.energy.series(point, D, localday.day(20000), localday.day(20003), "day")
    assert [d.quality for d in days] == ["mixed", "estimated", "missing"]
    slots = await store.energy.series(point, D, localday.day(20000), localday.day(20001), "interval")
    assert [s.quality for s in slots] == ["estimated"] * 48 + ["actual"] * 48


async def test_gaps_join_over_midnight_and_hold_whole_days(store: Store, site: str) -> None:
    point = await meter(
        store,
        site,
        block(20000, [1] * 90 + [None] * 6),
        block(20003, [None, 1, 1, None, *[1] * 92]),
    )
    first, second = await store.energy.gaps(point, D)
    assert (first.slots, second.slots) == (6 + 2 * 96 + 1, 1)
    assert (first.first_day, first.last_day) == (localday.day(20000), localday.day(20003))
    assert (await store.energy.gaps(point, D, 20004, 20005))[0].slots == 192
    known = await store.energy.coverage(point, D)
    assert known.expected - known.found == sum(g.slots for g in await store.energy.gaps(point, D))


async def test_losing_values_stay_readable(store: Store, site: str) -> None:
    point = await meter(store, site, block(20000, [1] * 96, rev=1000))
    await store.payloads.deliver(site, file(block(20000, [1] * 95 + [7], rev=2000)))
    (change,) = await store.energy.revisions(point, D, 20000, 20000)
    assert change.winning is not None
    assert (change.losing.wh, change.winning.wh) == (1, 7)
    assert (change.losing.payload, change.winning.payload) == (1, 2)
    assert change.losing.revision == datetime.fromtimestamp(1000, UTC)
    assert change.start == localday.instant(20000, 95, point.timezone)


async def test_coverage(store: Store, site: str) -> None:
    point = await meter(
        store, site, block(20000, [None] * 90 + [1] * 3), block(20002, [2, 2, None], fl=[1, 0, 0])
    )
    known = await store.energy.coverage(point, D)
    assert (known.first_day, known.last_day) == (localday.day(20000), localday.day(20002))
    assert (known.found, known.expected, known.estimated, known.total_wh) == (5, 288, 1, 7)
    assert known.newest == localday.instant(20002, 2, point.timezone)
    nothing = await store.energy.coverage(point, Flow.RECEIVED)
    assert (nothing.first_day, nothing.found, nothing.newest) == (None, 0, None)
    assert await store.energy.gaps(point, Flow.RECEIVED) == []


async def test_bad_bounds_are_refused(store: Store, site: str) -> None:
    point = await meter(store, site, block(20000, [1]))
    for start, end in (
        (date(2024, 1, 2), date(2024, 1, 2)),
        (datetime(2024, 1, 2), date(2024, 1, 3)),
        (date(1, 1, 1), date(2024, 1, 1)),
        (date(2024, 1, 1), date(9999, 1, 1)),
    ):
        with pytest.raises(Refused):
            await store.energy.series(point, D, start, end, "day")
