"""Against cars whose truth is known: nothing is invented, doubled, or negative."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.charging.series import NOON, SIZE
from tests.charging.truth import CAPACITY_WH, EFFICIENCY, Phase, heard, phases, pieces, world
from wattledger import charging
from wattledger.accounting import Booking
from wattledger.charging import Seen, State, account, earliest, judge
from wattledger.faults import sabotage
from wattledger.model import MISSING
from wattledger.spreading import spread

NAMES = ["charging_state", "plugged_in", "energy_added_wh", "odometer_km", "home", "soc_pct"]
missing = st.sets(st.sampled_from(NAMES), max_size=3).map(frozenset)
every = st.sampled_from([1, 3, 6, 12, 40])
PER_CENT_WH = Decimal(CAPACITY_WH) / 100 / Decimal(EFFICIENCY)


def bookings(seen: list[Seen]) -> list[Booking]:
    return [b for one in account(seen, SIZE)[0] for b in one.bookings]


@settings(max_examples=150)
@given(phases(), every)
def test_a_counter_books_at_most_what_was_drawn_at_home(told: list[Phase], every: int) -> None:
    found = world(told)
    booked = sum((b.wh for b in bookings(list(heard(found, every, frozenset())))), Decimal(0))
    assert booked <= Decimal(found.drawn_home) + len(found.log)


@settings(max_examples=60)
@given(phases())
def test_a_counter_that_is_read_often_books_all_that_was_drawn_at_home(told: list[Phase]) -> None:
    """But for a last reading so small that per cents can't tell whether the next plug-in goes on from it."""
    found = world([*told, Phase(10)])
    booked = sum((b.wh for b in bookings(list(heard(found, 1, frozenset())))), Decimal(0))
    again = sum(a["plugged_in"] < b["plugged_in"] for a, b in pairwise(found.log)) - 1
    assert (
        -len(found.log) <= Decimal(found.drawn_home) - booked <= len(found.log) + PER_CENT_WH * max(again, 0)
    )


@settings(max_examples=100)
@given(phases())
def test_the_state_of_charge_comes_near_to_the_truth(told: list[Phase]) -> None:
    found = world([*told, Phase(10)])
    seen = list(heard(found, 1, frozenset({"energy_added_wh"})))
    booked = sum((b.wh for b in bookings(seen)), Decimal(0))
    assert abs(booked - Decimal(found.drawn_home)) <= 2000 * (len(told) + 1)


@settings(max_examples=150)
@given(phases(), every, missing)
def test_bookings_never_overlap_and_every_watt_hour_is_in_a_slot(
    told: list[Phase], every: int, without: frozenset[str]
) -> None:
    seen = list(heard(world(told), every, without))
    found, state = account(seen, SIZE)
    booked = [b for one in found for b in one.bookings]
    assert all(a.end <= b.start for a, b in pairwise(booked))
    days = spread(booked, "America/Chicago")
    known = days.values[days.values != MISSING]
    assert (known >= 0).all()
    assert abs(int(known.sum()) - state.booked) <= Decimal("0.5")
    assert sum((one.wh for one in found), Decimal(0)) == state.booked


@settings(max_examples=100)
@given(phases(), every, missing, st.integers(0, 40))
def test_going_on_from_a_state_is_the_whole(
    told: list[Phase], every: int, without: frozenset[str], cut: int
) -> None:
    seen = list(heard(world(told), every, without))
    whole = account(seen, SIZE)
    first, state = account(seen[:cut], SIZE)
    rest, after = account(seen[cut:], SIZE, charging.load(charging.dump(state)))
    assert (first + rest, after) == whole


@settings(max_examples=100)
@given(phases(), st.sampled_from([1, 6]), st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(0, 250))))
def test_in_pieces_it_is_much_the_same(told: list[Phase], every: int, lags: dict[str, int]) -> None:
    found = world([*told, Phase(10)])
    booked = sum((b.wh for b in bookings(pieces(found, every, lags))), Decimal(0))
    assert booked <= Decimal(found.drawn_home) * Decimal("1.02") + 2000


@settings(max_examples=100)
@given(phases(), every, missing)
def test_a_state_knows_from_when_on_it_may_book(
    told: list[Phase], every: int, without: frozenset[str]
) -> None:
    state, before = State(), NOON
    for one in heard(world(told), every, without):
        found, after = judge(state, one, SIZE)
        bound = earliest(state)
        assert not found.bookings or bound is None or before <= bound <= found.bookings[0].start
        before, state = max([before, *(booking.end for booking in found.bookings)]), after


@settings(max_examples=60)
@given(phases(), every, missing)
def test_hearing_it_again_changes_nothing(told: list[Phase], every: int, without: frozenset[str]) -> None:
    seen = list(heard(world(told), every, without))
    found, state = account(seen, SIZE)
    again, after = account(seen[:-1], SIZE, state)
    assert not any(one.charges or one.bookings for one in again)
    assert after == state
    doubled, _ = account([one for one in seen for _ in range(2)], SIZE)
    assert [b for one in doubled for b in one.bookings] == [b for one in found for b in one.bookings]


def test_sabotage_charge_order_is_noticed() -> None:
    seen = list(heard(world([Phase(60), Phase(120, plugged=True, kw=7)]), 6, frozenset()))
    _, state = account(seen, SIZE)
    assert judge(state, seen[0], SIZE)[0].verdict == "late"
    with sabotage("charge_order"):
        assert judge(state, seen[0], SIZE)[0].verdict != "late"
