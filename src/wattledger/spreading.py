"""Exact energy over intervals, as integer watt-hours of local quarter-hours. Pure.

A booking is spread evenly over its interval and cut wherever a quarter-hour, and so a local day, ends.
Rounding is cumulative: a slot holds round(total at its end) - round(total at its begin), so that the sum
of any run of slots is within 1 Wh of what was booked there, for ever, and nothing is negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from math import lcm

import numpy as np

from wattledger import localday
from wattledger.accounting import Booking
from wattledger.faults import sabotaged
from wattledger.model import EnergyDays, Flag

USUAL = timedelta(hours=1)
"""a longer interval says how much, but no longer when: its slots are marked as derived"""
_MICROSECOND = timedelta(microseconds=1)
Ratio = tuple[int, int]
"""numerator and denominator: exact, and quicker than a Fraction"""


Share = tuple[int, int, int, Flag]
"""(local day, slot, Wh, flag): what a booking gives to one quarter-hour"""


def spread(bookings: Iterable[Booking], tz: str, carried: Decimal = Decimal(0)) -> EnergyDays:
    """One block a local day of `tz`, ascending; `point` is 0 throughout.

    `bookings` are of one series, in order and without overlap. `carried` is the sum of those before the
    first (`State.booked`), so that a series may be spread in parts and comes out the same.
    """
    slots: dict[int, dict[int, tuple[int, Flag]]] = {}
    for shares in shared(bookings, tz, carried):
        for day, slot, wh, flag in shares:
            kept, known = slots.setdefault(day, {}).get(slot, (0, Flag.ACTUAL))
            slots[day][slot] = kept + wh, known | flag
    return _blocks(slots)


def shared(bookings: Iterable[Booking], tz: str, carried: Decimal = Decimal(0)) -> Iterator[list[Share]]:
    """The same, quarter-hour by quarter-hour: the shares of each booking; those of one slot add up."""
    before = carried.as_integer_ratio()
    for booking in bookings:
        energy = booking.wh.as_integer_ratio()
        flag = flag_of(booking)
        yield [(day, slot, wh, flag) for day, slot, wh in _pieces(booking, energy, before, tz)]
        before = (0, 1) if sabotaged("carry_fractions") else _sum(before, energy)


def flag_of(booking: Booking) -> Flag:
    """Whether a quarter-hour's share is as good as read: none moved, or the interval was a usual one."""
    long = booking.end - booking.start > USUAL and booking.wh > 0
    return Flag.DERIVED if long or booking.derived else Flag.ACTUAL


def _pieces(booking: Booking, energy: Ratio, before: Ratio, tz: str) -> Iterator[tuple[int, int, int]]:
    """(day, slot, Wh) for each quarter-hour that a booking touches."""
    length = _microseconds(booking.end - booking.start)
    one, other = before[0] * energy[1] * length, energy[0] * before[1]
    whole = before[1] * energy[1] * length
    done = _rounded(one, whole)
    for day, slot, end in _touched(booking.start, booking.end, tz):
        total = _rounded(one + other * _microseconds(end - booking.start), whole)
        yield day, slot, total - done
        done = total


def _touched(start: datetime, end: datetime, tz: str) -> Iterator[tuple[int, int, datetime]]:
    """(day, slot, end of the piece) of [start, end), whatever the clocks do in between."""
    day, slot = localday.locate(start, tz)
    reached = start
    while reached < end:
        if slot >= localday.slots(day, tz):
            day, slot = day + 1, 0
        reached = min(localday.instant(day, slot + 1, tz), end)
        yield day, slot, reached
        slot += 1


def _rounded(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _sum(one: Ratio, other: Ratio) -> Ratio:
    """Decimals have few common denominators, so this one stays small."""
    common = lcm(one[1], other[1])
    return one[0] * (common // one[1]) + other[0] * (common // other[1]), common


def _microseconds(length: timedelta) -> int:
    return length // _MICROSECOND


def _blocks(slots: dict[int, dict[int, tuple[int, Flag]]]) -> EnergyDays:
    days = EnergyDays.empty(len(slots))
    for row, (day, found) in enumerate(sorted(slots.items())):
        places = np.array(list(found), np.intp)
        days.day[row] = day
        days.values[row, places] = [wh for wh, _ in found.values()]
        days.flags[row, places] = [int(flag) for _, flag in found.values()]
    return days
