"""Energy by the vendor's counter: compared with itself within a plug-in, from 0 in the next."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.charging.series import booked, car, charges, judged, total, words
from wattledger.charging import Battery, Seen
from wattledger.faults import sabotage

CHARGING: dict[str, Any] = {"state": "CHARGING", "plugged": True}
PAUSED: dict[str, Any] = {"state": "NOT_CHARGING", "plugged": True}
FULL: dict[str, Any] = {"state": "FULLY_CHARGED", "plugged": True}
AWAY: dict[str, Any] = {"state": "NOT_CHARGING", "plugged": False}


def night() -> list[Seen]:
    return [
        car(0, True, soc=40, added=9000, **AWAY),
        car(30, True, soc=45, added=3000, **CHARGING),
        car(60, True, soc=51, added=6500, **CHARGING),
        car(90, True, soc=55, added=8500, **FULL),
        car(120, True, soc=55, added=8500, **FULL),
        car(150, True, soc=55, added=8500, **AWAY),
    ]


def test_a_night_at_home() -> None:
    found = judged(*night())
    assert booked(found) == [(0, 30, "3000"), (30, 60, "3500"), (60, 77.1, "2000")]
    assert words(*night()) == ["parked", "begin", "charging", "end", "parked", "unplugged"]


def test_the_next_plug_in_counts_from_nothing() -> None:
    found = judged(
        *night(),
        car(600, True, soc=50, added=8500, km=12, **AWAY),
        car(630, True, soc=52, added=1200, km=12, **CHARGING),
        car(660, True, soc=52, added=1500, km=12, **FULL),
    )
    assert total(found) == 8500 + 1500


def test_a_counter_that_still_tells_of_the_last_plug_in_adds_nothing() -> None:
    found = judged(
        *night(),
        car(200, True, soc=55, added=8500, **CHARGING),
        car(230, True, soc=58, added=2100, **CHARGING),
    )
    assert total(found) == 8500 + 2100


def test_sabotage_charge_rebase_is_noticed() -> None:
    with sabotage("charge_rebase"):
        found = judged(
            *night(),
            car(200, True, soc=55, added=8500, **CHARGING),
            car(230, True, soc=58, added=2100, **CHARGING),
        )
    assert total(found) != 8500 + 2100


def test_a_plug_in_that_nobody_saw_begin_is_told_by_the_road() -> None:
    found = judged(
        car(0, True, soc=80, added=5000, km=100, **FULL),
        car(900, True, soc=74, added=8000, km=140, **CHARGING),
    )
    assert charges(found) == [(0, 900, "8000", "counter")]


def test_a_plug_flap_does_not_count_twice() -> None:
    found = judged(
        car(0, True, soc=40, added=0, **CHARGING),
        car(30, True, soc=50, added=5000, **CHARGING),
        car(40, True, soc=50, added=5000, **AWAY),
        car(60, True, soc=51, added=5600, **CHARGING),
    )
    assert total(found) == 5600


def test_a_reading_that_falls_back_once_is_a_slip() -> None:
    found = judged(
        car(0, True, added=0, **AWAY),
        car(30, True, added=5000, **CHARGING),
        car(60, True, added=0, **CHARGING),
        car(90, True, added=9000, **CHARGING),
    )
    assert total(found) == 9000
    assert found[2].verdict.value == "suspect"


def test_a_reading_that_stays_low_is_another_plug_in() -> None:
    found = judged(
        car(0, True, added=0, **AWAY),
        car(30, True, added=5000, **CHARGING),
        car(300, True, added=400, km=1, **CHARGING),
        car(330, True, added=2400, km=1, **CHARGING),
    )
    assert total(found) == 5000 + 2400


def test_a_leap_that_no_charger_makes_tells_nothing() -> None:
    found = judged(
        car(0, True, added=0, **AWAY),
        car(30, True, added=3000, **CHARGING),
        car(31, True, added=3_000_000, **CHARGING),
        car(61, True, added=3_002_000, **CHARGING),
    )
    assert total(found) == 5000


def test_the_first_reading_of_all_tells_of_what_was_before_us() -> None:
    found = judged(car(0, True, added=14_000, **CHARGING), car(30, True, added=17_000, **CHARGING))
    assert booked(found) == [(0, 30, "3000")]


def test_the_last_reading_after_unplugging_belongs_to_the_charge() -> None:
    found = judged(
        car(0, True, added=0, plugged=False),
        car(30, True, state="CHARGING", plugged=True, added=2000),
        car(50, plugged=False),
        car(52, added=4000),
    )
    assert booked(found) == [(0, 30, "2000"), (30, 50, "2000")]


def test_after_driving_off_it_counts_only_where_it_was_soon() -> None:
    begin = [car(0, True, added=0, km=5, **AWAY), car(30, True, added=2000, km=5, **CHARGING)]
    soon = judged(*begin, car(60, False, added=4000, km=20, **AWAY))
    late = judged(*begin, car(2000, False, added=9000, km=200, **AWAY))
    assert total(soon) == 4000
    assert total(late) == 2000


def test_a_charge_elsewhere_is_found_and_not_booked() -> None:
    found = judged(
        car(0, False, soc=20, added=0, km=5, **AWAY),
        car(30, False, soc=70, added=35_000, kw=150, km=5, **CHARGING),
    )
    assert [c[2] for c in charges(found)] == ["35000"]
    assert booked(found) == []


def test_more_than_a_house_gives_is_not_booked_there() -> None:
    found = judged(
        car(0, True, soc=20, added=0, km=5, **AWAY),
        car(30, True, soc=70, added=35_000, kw=150, km=5, **CHARGING),
    )
    assert [c[2] for c in charges(found)] == ["35000"]
    assert booked(found) == []


@pytest.mark.parametrize(
    ("before", "after", "span"),
    [
        (AWAY, {**CHARGING, "kw": 6}, (20, 30)),  # it began, and goes on: the end is known
        ({**CHARGING, "kw": 6}, FULL, (0, 10)),  # it went on, and has ended: the begin is known
        ({**CHARGING, "kw": 6}, {**CHARGING, "kw": 6}, (0, 30)),
        (AWAY, FULL, (0, 30)),
    ],
)
def test_power_finds_the_end_that_nobody_saw(
    before: dict[str, Any], after: dict[str, Any], span: tuple[int, int]
) -> None:
    first = car(-30, True, added=0, **AWAY)
    found = judged(first, car(0, True, added=0, **before), car(30, True, added=1000, **after))
    assert [b[:2] for b in booked(found)] == [span]


def test_a_whole_day_of_silence_while_plugged_in() -> None:
    found = judged(
        car(0, True, added=0, **AWAY),
        car(30, True, added=3000, kw=7, **CHARGING),
        car(30 + 1440, True, added=24_000, **FULL),
    )
    assert booked(found)[-1] == (30, 210, "21000")


def test_unknown_energy_stays_unknown() -> None:
    found = judged(car(0, True, **AWAY), car(30, True, **CHARGING), car(60, True, **FULL), battery=Battery())
    assert charges(found) == [(0, 60, None, "unknown")]
    assert total(found) == Decimal(0)
