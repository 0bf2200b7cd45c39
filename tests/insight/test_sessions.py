"""Sessions: plug-in to plug-out, their stretches, places and reasons, never split and never doubled."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings

from tests.charging.series import SIZE, at, car
from tests.charging.truth import Phase, heard, phases, world
from wattledger.charging import Battery, Method, Seen, account
from wattledger.insight.session import Place, Session
from wattledger.insight.session_words import MeterSlot, by_meter
from wattledger.insight.sessions import between, sessions
from wattledger.localday import QUARTER

CHARGING: dict[str, Any] = {"state": "CHARGING", "plugged": True}
PAUSED: dict[str, Any] = {"state": "NOT_CHARGING", "plugged": True}
FULL: dict[str, Any] = {"state": "FULLY_CHARGED", "plugged": True}
AWAY: dict[str, Any] = {"state": "NOT_CHARGING", "plugged": False}
ZONE = "America/Chicago"


def found(*seen: Seen, battery: Battery = SIZE) -> list[Session]:
    return sessions(seen, battery, ZONE)


def test_one_plug_in_with_a_pause_is_one_session() -> None:
    (one,) = found(
        car(0, True, soc=40, added=0, **AWAY),
        car(30, True, soc=44, added=3000, **CHARGING),
        car(60, True, soc=44, added=3000, **PAUSED),
        car(300, True, soc=44, added=3000, **PAUSED),
        car(330, True, soc=48, added=6000, kw=7.2, **CHARGING),
        car(360, True, soc=50, added=8000, **FULL),
        car(500, True, soc=50, added=8000, **AWAY),
    )
    assert (one.plugged_in, one.plugged_out, one.going_on) == (at(30), at(500), False)
    assert (one.segments[0].start, one.segments[0].wh) == (at(0), Decimal(3000))
    assert len(one.segments) == 2
    assert (one.wh, one.booked_wh, one.method, one.place) == (
        Decimal(8000),
        Decimal(8000),
        Method.COUNTER,
        Place.HOME,
    )
    assert (one.soc_from, one.soc_to, one.peak_kw) == (Decimal(40), Decimal(50), Decimal("7.2"))
    assert "Energy by the car's own counter." in one.evidence


def test_a_session_that_goes_on_has_no_end() -> None:
    (one,) = found(car(0, True, soc=40, **AWAY), car(30, True, soc=44, **CHARGING))
    assert one.going_on and one.end is None
    assert one.method is Method.SOC


def test_unknown_energy_is_none_and_says_why() -> None:
    (one,) = found(car(0, True, **AWAY), car(30, True, **CHARGING), car(60, True, **FULL), battery=Battery())
    assert (one.wh, one.method) == (None, Method.UNKNOWN)
    assert "not known" in one.evidence[0]
    (one,) = found(car(0, True, soc=40, **AWAY), car(30, True, soc=44, **CHARGING), battery=Battery())
    assert one.wh is None and "capacity" in one.evidence[0]


def test_a_plug_in_without_charging_is_nothing_charged() -> None:
    (one,) = found(
        car(0, True, soc=40, **AWAY), car(30, True, soc=40, **PAUSED), car(60, True, soc=40, **AWAY)
    )
    assert one.wh == 0 and not one.segments
    assert "Nothing was charged." in one.evidence


def test_places() -> None:
    away = found(car(0, False, soc=40, **AWAY), car(30, False, soc=44, **CHARGING))[0]
    unknown = found(car(0, soc=40, **AWAY), car(30, soc=44, **CHARGING))[0]
    late = found(car(0, soc=40, **AWAY), car(30, soc=44, **CHARGING), car(60, True, soc=44, **FULL))[0]
    assert [s.place for s in (away, unknown, late)] == [Place.AWAY, Place.UNKNOWN, Place.HOME]
    assert [s.booked_wh > 0 for s in (away, unknown, late)] == [False, False, True]


def test_a_place_after_a_drive_is_not_the_sessions() -> None:
    one = found(
        car(0, soc=40, km=5, **AWAY),
        car(30, soc=44, km=5, **CHARGING),
        car(60, soc=44, km=5, **AWAY),
        car(90, True, soc=43, km=9, **AWAY),
    )[0]
    assert one.place is Place.UNKNOWN


def test_two_plug_ins_are_two_sessions() -> None:
    both = found(
        car(0, True, soc=40, added=0, **AWAY),
        car(30, True, soc=44, added=3000, **CHARGING),
        car(60, True, soc=44, added=3000, **AWAY),
        car(90, True, soc=46, added=1200, **CHARGING),
    )
    assert [s.wh for s in both] == [3000, 1200]
    assert between(both, at(61), at(200)) == both[1:]


def test_the_meter_speaks_for_a_session_without_a_place() -> None:
    one = found(
        car(0, soc=40, added=0, **AWAY),
        car(60, soc=50, added=7000, **CHARGING),
        car(120, soc=60, added=14_000, **FULL),
    )[0]
    assert one.place is Place.UNKNOWN
    high = by_meter(one, _load(7000))
    assert high is not None and high.startswith("By the meter it was at home") and "not booked" in high
    low = by_meter(one, _load(0))
    assert low is not None and low.startswith("By the meter it was elsewhere")
    assert by_meter(one, _load(2800)) is None
    assert by_meter(one, []) is None


def _load(watts: int) -> list[MeterSlot]:
    """A meter at 400 W, and so much more in the two hours of charging."""
    slots = [at(-120) + n * QUARTER for n in range(24)]
    return [MeterSlot(t, 100 + (watts // 4 if at(0) <= t < at(120) else 0)) for t in slots]


@settings(max_examples=60)
@given(phases())
def test_sessions_hold_what_was_booked(told: list[Phase]) -> None:
    seen = list(heard(world(told), 3, frozenset()))
    judged, state = account(seen, SIZE)
    listed = sessions(seen, SIZE, ZONE)
    assert sum((s.booked_wh for s in listed), Decimal(0)) == state.booked
    assert sum((g.wh or 0 for s in listed for g in s.segments), Decimal(0)) == sum(
        (c.wh or 0 for one in judged for c in one.charges), Decimal(0)
    )
    assert all(s.end is None or s.start <= s.end for s in listed)
    assert all(a.start <= b.start for a, b in pairwise(listed))
    assert all(g.end - g.start > timedelta(0) for s in listed for g in s.segments)
