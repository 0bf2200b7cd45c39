"""The pure parts: re-cutting days, one block per key, and sums that agree whatever the step."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.fake import RECEIVED, block, file, parse

from wattledger import localday
from wattledger.localday import QUARTER
from wattledger.model import MISSING, EnergyDays, Parsed
from wattledger.store.archive.prepare import prepare
from wattledger.store.ledger.blocks import decode, groups
from wattledger.store.ledger.bounds import bounds
from wattledger.store.ledger.bulk import columns
from wattledger.store.ledger.days import DayTotal
from wattledger.store.ledger.rezone import rezone
from wattledger.store.ledger.series import by_days, by_slots, cuts
from wattledger.store.rows import DayBlock

ZONES = ["America/Chicago", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]
DAYS = [19792, 20030, 20031, 20178, 20240]
"""the clocks change on the first, second and fourth in some of these zones"""

wh = st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=92)
said = st.lists(st.tuples(st.sampled_from(DAYS), st.sampled_from([None, 5, 9]), wh), min_size=1, max_size=5)


def parsed(blocks: list[tuple[int, int | None, list[int | None]]], tz: str = ZONES[0]) -> Parsed:
    return parse(file(*(block(day, wh, rev=rev) for day, rev, wh in blocks), tz=tz))


def instants(days: EnergyDays, tz: str) -> list[tuple[datetime, int, int]]:
    """Every reading with its instant and revision."""
    return sorted(
        (localday.instant(int(days.day[i]), int(slot), tz), int(days.values[i, slot]), int(days.revision[i]))
        for i, slot in zip(*np.nonzero(days.values != MISSING), strict=True)
    )


@settings(deadline=None, max_examples=60)
@given(said, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_every_reading_keeps_its_instant_in_another_zone(
    blocks: list[tuple[int, int | None, list[int | None]]], a: str, b: str
) -> None:
    days = parsed(blocks, a).days
    moved, zones = rezone(days, [a], [b])
    assert zones == [b]
    assert instants(moved, b) == instants(days, a)
    back, _ = rezone(moved, [b], [a])
    assert instants(back, a) == instants(days, a)


@settings(deadline=None, max_examples=60)
@given(said, st.sampled_from(ZONES))
def test_a_file_is_accounted_whatever_it_says(
    blocks: list[tuple[int, int | None, list[int | None]]], zone: str
) -> None:
    what = parsed(blocks)
    done = prepare(what, 1, RECEIVED, zones={what.points[0].external_id: zone})
    keys = set(zip(done.keys.point.tolist(), done.keys.flow.tolist(), done.keys.day.tolist(), strict=True))
    assert len(keys) == len(done.keys)
    assert what.rows == done.readings + what.blank
    assert done.keys.slots.tolist() == [localday.slots(int(day), zone) for day in done.keys.day]
    assert sum(done.summary.wh.values()) == int(done.blocks.values[done.blocks.values != MISSING].sum())


@settings(deadline=None, max_examples=60)
@given(said)
def test_rows_decode_to_what_was_encoded(blocks: list[tuple[int, int | None, list[int | None]]]) -> None:
    done = prepare(parsed(blocks), 7, RECEIVED, zones={})
    for group in groups(done.keys, done.blocks):
        rows = list(zip(*columns(group), strict=True))
        stored = decode([row[7:] for row in rows])
        chosen = np.isin(done.keys.day, group.keys.day)
        wanted = done.blocks.take(chosen).by_slot()
        assert (stored.values == wanted.values).all()
        assert (stored.revision == wanted.revision).all()
        assert (stored.payload == wanted.payload).all()


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(ZONES[:2]),
    st.sampled_from([19791, 20029]),
    st.integers(0, 400),
    st.integers(1, 400),
    st.integers(0, 2**32),
)
def test_every_step_gives_the_same_sum(tz: str, first: int, skip: int, length: int, seed: int) -> None:
    blocks = [_random_block(day, tz, seed) for day in range(first, first + 4)]
    start = localday.start(first, tz) + skip * QUARTER
    span = bounds(start, start + length * QUARTER, tz)
    totals = [DayTotal(b.day, b.total_wh, b.found, 0, 0) for b in blocks if span.first <= b.day <= span.last]
    edges = [b for b in blocks if b.day in cuts(span)]
    runs = [list(by_slots(blocks, span, width)) for width in (1, 4)]
    runs += [list(by_days(totals, edges, span, step)) for step in (lambda n: n + 1, lambda n: n + 30)]
    wanted = _recount(blocks, span.start, span.end)
    for run in runs:
        assert sum(p.wh or 0 for p in run) == wanted
        assert sum(p.expected for p in run) == length
        assert (run[0].start, run[-1].end) == (span.start, span.end)
        assert all(a.end == b.start for a, b in itertools.pairwise(run))
        assert all(p.found <= p.expected for p in run)


def _random_block(day: int, tz: str, seed: int) -> DayBlock:
    chance = np.random.default_rng(seed + day)
    values = chance.integers(0, 9, localday.slots(day, tz)).astype(np.int32)
    values[chance.random(len(values)) < 0.2] = MISSING
    known = values != MISSING
    flags = np.zeros(len(values), np.uint8)
    return DayBlock(day, tz, values, flags, 0, 1, int(values[known].sum()), int(known.sum()), 0)


def _recount(blocks: list[DayBlock], start: datetime, end: datetime) -> int:
    """The sum slot by slot, without any of the code under test."""
    total = 0
    for b in blocks:
        at = localday.start(b.day, b.tz)
        for wh in b.values.tolist():
            if start <= at < end and wh != MISSING:
                total += wh
            at += timedelta(minutes=15)
    return total


def test_bounds_take_dates_and_instants() -> None:
    tz = ZONES[0]
    by_date = bounds(localday.day(20000), localday.day(20001), tz)
    by_instant = bounds(datetime(2024, 10, 4, 5, tzinfo=UTC), datetime(2024, 10, 5, 5, tzinfo=UTC), tz)
    assert by_date == by_instant
    assert (by_date.first, by_date.last) == (20000, 20000)


def test_what_the_store_refuses_is_named_by_its_lines() -> None:
    late = int(RECEIVED.timestamp()) + 2 * 86400
    blocks = [
        block(20000, [1] * 96, line=2),
        block(20001, [1] * 96, rev=late, line=290),
        block(20002, [1] * 95, rev=late, line=98),
        block(20000, [1] * 4, p=1, line=194),
    ]
    what = parse(file(*blocks, points=("mine", "theirs")))
    done = prepare(what, 1, RECEIVED, zones={}, refused={"theirs"})
    said = [(r.line, r.count, r.lines) for r in done.summary.rejections]
    assert said == [(194, 4, (194,)), (98, 96 + 95, (98, 290))]
    assert done.summary.rejections[0].reason == "theirs is not held by this site."


def test_a_refusal_has_no_line_where_the_source_has_none() -> None:
    done = prepare(parse(file(block(20000, [1]))), 1, RECEIVED, zones={}, refused={"10443720001234567"})
    assert [(r.line, r.count, r.lines) for r in done.summary.rejections] == [(0, 1, ())]


def test_lines_stay_with_their_days_in_another_zone() -> None:
    what = parse(file(block(20000, [1] * 96, line=7), block(20010, [2] * 96, line=103), tz="UTC"))
    moved, _ = rezone(what.days, ["UTC"], ["Asia/Kathmandu"])
    assert [(int(d), int(n)) for d, n in zip(moved.day, moved.line, strict=True)] == [
        (20000, 7), (20001, 7), (20010, 103), (20011, 103)
    ]  # fmt: skip
