"""Energy by the state of charge, where no counter is: derived, and only where charging explains the rise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.charging.series import NOON, SIZE, booked, car, charges, judged, total
from wattledger.charging import Battery, seen_of
from wattledger.faults import sabotage

CHARGING: dict[str, Any] = {"state": "CHARGING", "plugged": True}
PAUSED: dict[str, Any] = {"state": "NOT_CHARGING", "plugged": True}
FULL: dict[str, Any] = {"state": "FULLY_CHARGED", "plugged": True}
AWAY: dict[str, Any] = {"state": "NOT_CHARGING", "plugged": False}


def test_a_rise_while_charging_is_energy_at_the_wall() -> None:
    found = judged(
        car(0, True, soc=50, **AWAY), car(30, True, soc=56, **CHARGING), car(60, True, soc=59, **FULL)
    )
    assert booked(found) == [(0, 30, "4000"), (30, 60, "2000")]
    assert all(b.derived for one in found for b in one.bookings)


def test_efficiency_and_capacity_are_the_owners_else_the_cars() -> None:
    seen = [car(0, True, soc=50, size=100, **PAUSED), car(30, True, soc=60, **CHARGING)]
    assert total(judged(*seen, battery=Battery(None, Decimal(1)))) == 10_000
    assert total(judged(*seen, battery=Battery(Decimal(50_000), Decimal("0.8")))) == 6250


def test_without_a_capacity_the_energy_is_unknown() -> None:
    found = judged(car(0, True, soc=50, **AWAY), car(30, True, soc=56, **CHARGING), battery=Battery(None))
    assert charges(found) == [(0, 30, None, "unknown")]
    assert total(found) == 0


def test_whole_per_cents_are_spread_from_the_begin() -> None:
    found = judged(
        car(0, True, soc=50, **AWAY),
        car(1, True, soc=50, **CHARGING),
        car(7, True, soc=50, **CHARGING),
        car(13, True, soc=51, **CHARGING),
        car(20, True, soc=51, **CHARGING),
        car(26, True, soc=52, **CHARGING),
    )
    assert [b[:2] for b in booked(found)] == [(0, 13), (13, 26)]


def test_noise_is_no_energy() -> None:
    levels = [50, 51, 50, 52, 51, 50, 51, 52, 50]
    parked = [car(30 * n, True, soc=s, **AWAY) for n, s in enumerate(levels)]
    resting = [car(30 * n, True, soc=s, **PAUSED) for n, s in enumerate([80, 79, 80, 81, 80, 79, 80])]
    assert charges(judged(*parked)) == []
    assert charges(judged(*resting)) == []


def test_steps_back_while_charging_are_not_counted_again() -> None:
    levels = [50, 51, 50, 51, 52, 51, 53]
    found = judged(
        car(-10, True, soc=50, **AWAY), *(car(10 * n, True, soc=s, **CHARGING) for n, s in enumerate(levels))
    )
    assert sum(Decimal(c[2] or 0) for c in charges(found)) == pytest.approx(Decimal("2000"), abs=1)


def test_a_rise_without_charging_states_while_plugged_counts() -> None:
    found = judged(car(0, True, soc=50, plugged=True), car(60, True, soc=56, plugged=True))
    assert booked(found) == [(0, 60, "4000")]


def test_a_rise_between_two_unplugged_moments_was_a_charge_somewhere() -> None:
    away = judged(car(0, None, soc=20, **AWAY), car(60, None, soc=80, **AWAY))
    assert [c[:2] for c in charges(away)] == [(0, 60)]
    assert booked(away) == []
    stayed = judged(car(0, True, soc=20, km=5, **AWAY), car(600, True, soc=50, km=5, **AWAY))
    assert booked(stayed) == [(0, 600, "20000")]


def test_driving_between_two_charges_that_nobody_saw() -> None:
    found = judged(
        car(0, True, soc=70, km=10, **AWAY),
        car(30, True, soc=76, km=10, **CHARGING),
        car(300, True, soc=50, km=90, **CHARGING),
        car(330, True, soc=53, km=90, **CHARGING),
    )
    assert [c[2] for c in charges(found)] == ["4000", "2000"]


def test_a_fall_while_plugged_is_no_energy_and_the_rise_after_it_is() -> None:
    found = judged(
        car(0, True, soc=80, **PAUSED), car(60, True, soc=60, **PAUSED), car(120, True, soc=66, **CHARGING)
    )
    assert booked(found) == [(60, 120, "4000")]


def test_a_car_that_says_both_is_asked_for_more() -> None:
    both: dict[str, Any] = {"state": "CHARGING", "plugged": False}
    assert charges(judged(car(0, True, soc=50, **both), car(30, True, soc=52, **both))) == []
    assert len(charges(judged(car(0, True, soc=50, **both), car(30, True, soc=56, **both)))) == 1


def test_the_detailed_state_wins_over_the_flag() -> None:
    seen = seen_of(NOON, {"is_charging": True, "charging_state": "NOT_CHARGING"})
    assert seen is not None and seen.charging is False
    seen = seen_of(NOON, {"is_charging": True, "charging_state": "UNKNOWN"})
    assert seen is not None and seen.charging is None
    seen = seen_of(NOON, {"is_charging": True})
    assert seen is not None and seen.charging is True


def test_what_says_nothing_of_charging_is_not_judged() -> None:
    assert seen_of(NOON, {"range_km": 200, "trouble": "UPSTREAM/NO_RESPONSE"}) is None
    assert seen_of(NOON, {"range_km": 200}, home=True) is not None


def test_the_place_may_be_told_after_the_charge() -> None:
    found = judged(
        car(0, soc=50, **AWAY), car(30, soc=56, **CHARGING), car(60, soc=59, **FULL), car(70, True)
    )
    assert [one.wh for one in found] == [0, 0, 0, 6000]
    assert booked(found) == [(0, 30, "4000"), (30, 60, "2000")]


def test_without_a_place_nothing_is_booked() -> None:
    seen = [car(0, soc=50, **AWAY), car(30, soc=56, **CHARGING), car(60, soc=59, **FULL)]
    assert booked(judged(*seen)) == []
    with sabotage("charge_place"):
        assert total(judged(*seen)) == 6000


def test_sabotage_charge_place_is_noticed() -> None:
    seen = [car(0, False, soc=50, **AWAY), car(30, False, soc=56, **CHARGING)]
    assert total(judged(*seen)) == 0
    with sabotage("charge_place"):
        assert total(judged(*seen)) == 4000


def test_a_place_does_not_outlive_a_drive() -> None:
    drove = judged(
        car(0, True, soc=50, km=5, **AWAY), car(30, soc=50, km=9, **AWAY), car(60, soc=56, km=9, **CHARGING)
    )
    used = judged(car(0, True, soc=50, **AWAY), car(30, soc=49, **AWAY), car(60, soc=56, **CHARGING))
    stood = judged(car(0, True, soc=50, **AWAY), car(30, soc=50, **AWAY), car(60, soc=56, **CHARGING))
    assert [int(total(one)) for one in (drove, used, stood)] == [0, 0, 4000]


def test_a_counter_that_never_moves_leaves_the_word_to_the_state_of_charge() -> None:
    found = judged(
        car(0, True, soc=50, added=0, **AWAY),
        car(30, True, soc=56, added=0, **CHARGING),
        car(60, True, soc=59, added=0, **FULL),
        car(90, True, soc=59, added=0, **AWAY),
    )
    assert total(found) == 6000
    assert SIZE.capacity_wh == 60_000


def test_a_short_drive_lowers_the_level_from_which_charging_counts() -> None:
    found = judged(
        car(0, False, soc=60, km=100, **AWAY),
        car(15, True, soc=58, km=109, **PAUSED),
        car(30, True, soc=58, km=109, **CHARGING),
        car(60, True, soc=64, km=109, **FULL),
    )
    assert total(found) == 4000
