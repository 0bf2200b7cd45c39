"""The equation balances in every quarter-hour, whatever is known, estimated or over-explained."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattledger import localday
from wattledger.faults import sabotage
from wattledger.insight.equation import Equation, Part, Track, all_of, lay, nested, place_of
from wattledger.model import MISSING, Flag
from wattledger.store.rows import DayBlock

START = datetime(2026, 7, 14, 5, tzinfo=UTC)
ENERGY = st.one_of(st.none(), st.integers(0, 5000))


def track(values: list[int | None], guessed: bool = False) -> Track:
    known = np.array([v is not None for v in values], bool)
    return Track(np.array([v or 0 for v in values], np.int64), known, known & guessed)


def part(name: str, values: list[int | None]) -> Part:
    return Part(name, name, "appliance", track(values))


@st.composite
def equations(draw: st.DrawFn) -> Equation:
    n = draw(st.integers(1, 8))
    series = st.lists(ENERGY, min_size=n, max_size=n)
    parts = tuple(part(str(i), draw(series)) for i in range(draw(st.integers(0, 3))))
    return Equation(START, track(draw(series)), None, parts)


@given(equations())
def test_every_metered_quarter_hour_balances(found: Equation) -> None:
    assert found.meter is not None
    for i in range(found.size):
        one = found.cut(i, i + 1)
        explained = sum(p.track.total for p in one.parts if one.metered[0])
        assert (one.meter.total if one.meter else 0) == explained + one.rest.total
    assert found.meter.total == found.explained + found.rest.total
    assert sum(p.track.total for p in found.parts) == found.explained + found.outside


@given(equations(), st.integers(0, 8))
def test_cutting_loses_nothing(found: Equation, at: int) -> None:
    at = min(at, found.size)
    left, right = found.cut(0, at), found.cut(at, found.size)
    for name in ("over", "explained", "outside"):
        assert getattr(left, name) + getattr(right, name) == getattr(found, name)
    assert left.rest.total + right.rest.total == found.rest.total


def test_more_explained_than_metered_is_shown() -> None:
    found = Equation(START, track([100, 500]), None, (part("a", [160, 300]),))
    assert found.rest.wh.tolist() == [-60, 200]
    assert (found.over, found.rest.total) == (60, 140)


def test_sabotage_over_explained_is_noticed() -> None:
    found = Equation(START, track([100]), None, (part("a", [160]),))
    with sabotage("over_explained"):
        assert found.meter is not None and found.meter.total != found.explained + found.rest.total


def test_what_the_meter_does_not_know_stands_outside() -> None:
    found = Equation(START, track([None, 500]), None, (part("a", [160, 300]),))
    assert (found.outside, found.explained, found.rest.total) == (160, 300, 200)
    assert found.rest.known.tolist() == [False, True]


def test_rest_is_a_guess_where_any_side_is() -> None:
    guess = Part("a", "a", "vehicle", track([None, 300], guessed=True))
    assert Equation(START, track([100, 500]), None, (guess,)).rest.guessed.tolist() == [False, True]


def test_without_a_meter_there_is_no_rest() -> None:
    found = Equation(START, None, None, (part("a", [160]),))
    assert (found.rest.total, found.outside, found.size) == (0, 160, 1)


def test_two_meters_are_known_together_alone() -> None:
    whole = all_of([track([100, 200]), track([None, 50])])
    assert whole is not None
    assert whole.known.tolist() == [False, True] and whole.wh.tolist() == [0, 250]
    assert all_of([]) is None


def block(day: str, tz: str, values: list[int], flags: list[int] | None = None) -> DayBlock:
    n = localday.number(datetime.fromisoformat(day).date())
    wh = np.array(values, np.int32)
    marks = np.zeros(len(wh), np.uint8) if flags is None else np.array(flags, np.uint8)
    return DayBlock(n, tz, wh, marks, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(("day", "slots"), [("2026-03-08", 92), ("2026-07-14", 96), ("2026-11-01", 100)])
def test_local_days_lie_on_the_utc_axis(day: str, slots: int) -> None:
    tz = "America/Chicago"
    n = localday.number(datetime.fromisoformat(day).date())
    values = list(range(slots))
    values[3] = MISSING
    flags = [int(Flag.DERIVED)] + [0] * (slots - 1)
    found = lay([block(day, tz, values, flags)], localday.start(n, tz), slots)
    assert found.total == sum(range(slots)) - 3
    assert found.known.sum() == slots - 1 and found.guessed.sum() == 1
    shifted = lay([block(day, tz, values)], localday.start(n, tz) - localday.QUARTER, 10)
    assert shifted.wh.tolist() == [0, 0, 1, 2, 0, 4, 5, 6, 7, 8]
    late = lay([block(day, tz, values)], localday.instant(n, slots - 2, tz), 10)
    assert late.wh.tolist()[:3] == [slots - 2, slots - 1, 0]


def test_a_unit_behind_another_is_counted_once() -> None:
    a, b, c = (part(name, [100]) for name in "abc")
    (top, other) = nested([a, b, c], {"b": "a"})
    assert (top.id, [p.id for p in top.inside], other.id) == ("a", ["b"], "c")
    assert [p.id for p in nested([a, b], {"a": "b", "b": "a"})] == ["a", "b"]
    assert [p.id for p in nested([a, b, c], {"a": "b", "b": "a", "c": "a"})] == ["a", "b", "c"]
    assert [p.id for p in nested([a, b], {"a": "gone"})] == ["a", "b"]


def test_an_owner_chooses_the_place() -> None:
    assert place_of("meter", {}) == "whole" and place_of("vehicle", {}) == "part"
    assert place_of("meter", {"equation": "part"}) == "part"
    assert place_of("appliance", {"equation": "nonsense"}) == "part"
