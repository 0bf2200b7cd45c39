"""The days on which the clock moves: whole, cut anywhere, joined, damaged."""

from datetime import date
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connectors.reading import by_slot, parse, readings
from tests.payloads import smt
from wattledger.connectors.smart_meter_texas.interval import doubled
from wattledger.faults import sabotage

FALL = smt.days(smt.FALL, 1)[0]
ROWS = smt.rows(FALL)
TRUE = smt.true_days([FALL])
KEY = (smt.ONCOR, 1, smt.FALL)


def files(*parts: list[str]) -> dict:
    """The union of what several files say."""
    return by_slot(*(parse(smt.text(part)) for part in parts if part))


@pytest.mark.parametrize("day", [date(2022, 3, 13), date(2022, 11, 6), smt.FALL, smt.SPRING, smt.NORMAL])
def test_a_whole_day(day: date) -> None:
    made = smt.days(day, 1)
    assert by_slot(parse(smt.csv(*made))) == smt.true_days(made)


@pytest.mark.parametrize("cut", range(1, 100))
def test_a_fall_day_cut_at_any_row(cut: int) -> None:
    assert files(ROWS[:cut], ROWS[cut:]) == TRUE


@pytest.mark.parametrize("cut", range(1, 100))
def test_halves_joined_in_the_wrong_order(cut: int) -> None:
    assert by_slot(parse(smt.text(ROWS[cut:] + ROWS[:cut]))) == TRUE


@pytest.mark.parametrize("overlap", range(1, 12))
def test_halves_that_overlap_in_the_doubled_hour(overlap: int) -> None:
    parsed = parse(smt.text(ROWS[:9] + ROWS[9 - min(overlap, 9) :]))
    assert by_slot(parsed) == TRUE
    contested = 3 if overlap == 4 else 0  # there the labels fit either pass
    assert sum(r.count for r in parsed.rejected) == contested


@pytest.mark.parametrize("cut", [5, 6, 7, 8, 9, 10, 11])
def test_a_year_cut_inside_the_doubled_hour(cut: int) -> None:
    days = smt.days(date(2025, 10, 30), 6)
    rows = [row for day in days for row in smt.rows(day)]
    at = 3 * 96 + cut
    assert files(rows[:at], rows[at:]) == smt.true_days(days)


def test_a_fragment_without_an_anchor_is_refused_not_guessed() -> None:
    parsed = parse(smt.text(ROWS[5:8]))
    assert parsed.rows == 3
    assert len(parsed.days) == 0
    assert "occurs twice" in parsed.rejected[0].reason
    assert parsed.rejected[0].lines == (2, 3, 4)


@pytest.mark.parametrize(
    ("rows", "slots"),
    [
        ([8], [8]),
        ([4], [4]),
        ([4, 5], [4, 5]),
        ([8, 9, 10], [8, 9, 10]),
        ([3, 4, 5], [3, 4, 5]),
        ([10, 11, 12], [10, 11, 12]),
        ([5, 9], [5, 9]),
        ([5], [-1]),
        ([11], [-1]),
    ],
)
def test_fragments(rows: list[int], slots: list[int]) -> None:
    ends = [*range(1, 9), *range(5, 97)]
    starts = [0, *ends]
    assert doubled.resolve([starts[k] for k in rows], [ends[k] for k in rows]) == slots


def test_a_writer_that_prints_the_wall_clock_in_the_second_pass() -> None:
    rows = [row.replace(",02:00,01:15,", ",01:00,01:15,") for row in ROWS]
    for cut in range(0, 100, 3):
        assert files(rows[:cut], rows[cut:]) == TRUE or 4 < cut < 12
    assert by_slot(parse(smt.text(rows))) == TRUE


def test_96_rows_on_a_fall_day_leave_the_hour_open() -> None:
    rows = ROWS[:8] + ROWS[12:]
    parsed = parse(smt.text(rows))
    assert [r.count for r in parsed.rejected] == [4]
    assert by_slot(parsed)[smt.ONCOR, 1, smt.FALL] == [
        *FALL.wh[:4], *[None] * 8, *FALL.wh[12:]
    ]  # fmt: skip


@pytest.mark.parametrize("at", range(4, 12))
def test_a_refused_value_in_the_doubled_hour_moves_no_other(at: int) -> None:
    rows = list(ROWS)
    rows[at] = rows[at].replace(f",{smt.short(FALL.wh[at] or 0)},A", ",-1,A")
    parsed = parse(smt.text(rows))
    wanted = list(FALL.wh)
    wanted[at] = None
    assert by_slot(parsed) == {(smt.ONCOR, 1, smt.FALL): wanted}
    assert parsed.rejected[0].line == at + 2


@pytest.mark.parametrize("at", range(4, 12))
def test_a_blank_in_the_doubled_hour_moves_no_other(at: int) -> None:
    day = smt.days(smt.FALL, 1)[0]
    day.wh[at] = None
    assert by_slot(parse(smt.csv(day))) == smt.true_days([day])


def test_a_filled_hour_in_spring_is_refused_and_shifts_nothing() -> None:
    day = smt.days(smt.SPRING, 1)[0]
    rows = [row.replace(",,,", ",.5,A,") for row in smt.rows(day)]
    parsed = parse(smt.text(rows))
    assert by_slot(parsed) == smt.true_days([day])
    assert parsed.rejected[0].lines == (10, 11, 12, 13)
    assert "set forward" in parsed.rejected[0].reason


def test_a_spring_day_of_92_rows() -> None:
    day = smt.days(smt.SPRING, 1)[0]
    rows = [row for row in smt.rows(day) if ",,," not in row]
    assert by_slot(parse(smt.text(rows))) == smt.true_days([day])
    rows[7] = rows[7].replace(",01:45,02:00,", ",01:45,03:00,")
    assert by_slot(parse(smt.text(rows))) == smt.true_days([day])


def test_sabotage_doubled_hour_is_noticed() -> None:
    with sabotage("doubled_hour"), pytest.raises(AssertionError):
        assert by_slot(parse(smt.csv(FALL))) == TRUE


def test_sabotage_repeated_passes_is_noticed() -> None:
    body = smt.text(ROWS + ROWS)
    assert sum(readings(parse(body)).values()) == 200
    with sabotage("repeated_passes"), pytest.raises(AssertionError):
        parse(body)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_pieces_of_a_fall_day_in_any_order_are_never_misread(cuts: list[int], chance: Random) -> None:
    """Whatever the order of pieces in one file or several: refused perhaps, wrong never."""
    edges = [0, *sorted(cuts), 100]
    parts = [ROWS[a:b] for a, b in pairwise(edges) if b > a]
    fragments = [part for part in parts if set(part) <= set(ROWS[4:12])]
    apart = by_slot(*(parse(smt.text(part)) for part in parts))
    assert all(v in (None, w) for v, w in zip(apart[KEY], FALL.wh, strict=True))
    if not fragments:
        assert apart == TRUE
        chance.shuffle(parts)
        joined = by_slot(parse(smt.text(row for part in parts for row in part)))
        assert all(v in (None, w) for v, w in zip(joined[KEY], FALL.wh, strict=True))
