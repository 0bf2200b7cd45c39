"""When a car is asked again, and whether it may be asked now. Pure: numbers and instants in, an instant out.

What is left of a month's calls is spread over the rest of the month: quicker while the car charges, slower
while it stands. A plugged-in car is about to charge, so it is looked at more often than one on the road.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from wattledger.faults import sabotaged

BACKGROUND, CHARGING, CLICK = timedelta(minutes=30), timedelta(minutes=10), timedelta(minutes=2)
"""the least time between two rounds of calls: by itself, while charging, because a person asks"""
RESERVE = 50
"""calls of a month that only a person's click spends"""
ASLEEP_FIRST, ASLEEP_MOST = timedelta(hours=2), timedelta(hours=24)
FAULT_MOST = timedelta(hours=6)
SHARES = {"charging": 0.4, "plugged": 0.8, "away": 1.6}
"""of the even spread; a car charges about a quarter of its time, so that they come out even"""
SUBSCRIBED, UNSUBSCRIBED = timedelta(hours=6), timedelta(hours=12)
EMPTY = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2))
"""until a newly connected car has something to say"""
STAGGER = timedelta(hours=1)
"""over which cars begin a new month, so that they don't begin it at once"""


class May(StrEnum):
    """Whether a car may be asked now, else why not."""

    YES = "yes"
    INTERVAL = "interval"
    VENDOR = "vendor"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Budget:
    """A month's calls of one car (calendar month, UTC)."""

    monthly: int
    used: int

    def left(self, urgent: bool) -> int:
        """Calls that may still be made: a person's click may use the reserve."""
        used = 0 if sabotaged("call_budget") else self.used
        return self.monthly - used - (0 if urgent else min(RESERVE, self.monthly // 10))


@dataclass(frozen=True, slots=True)
class Turn:
    """When a car is asked again; firm: not even a click asks earlier."""

    at: datetime
    firm: bool = False
    reason: str = "interval"


def may_ask(
    now: datetime,
    *,
    due: datetime | None,
    firm: bool,
    asked: datetime | None,
    cost: int,
    budget: Budget,
    urgent: bool,
) -> May:
    """Whether a car may be asked now, at `cost` calls; `asked` is when it was asked last."""
    early = due is not None and due > now
    if early and firm:
        return May.VENDOR
    if early and not urgent:
        return May.INTERVAL
    if urgent and asked is not None and abs(now - asked) < CLICK:
        return May.INTERVAL
    if budget.left(urgent) < cost:
        return May.BUDGET
    return May.YES


def month_end(now: datetime) -> datetime:
    """The first instant of the next calendar month, UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def spread(now: datetime, budget: Budget, cost: int, mood: str, car: str) -> Turn:
    """The next turn of a car that answers: `mood` is a key of SHARES, `cost` calls a turn."""
    turns = budget.left(urgent=False) // max(cost, 1)
    if turns <= 0:
        return used_up(now, budget, cost, car)
    even = (month_end(now) - now) / turns
    least = CHARGING if mood == "charging" else BACKGROUND
    return _this_month(now, max(least, even * SHARES[mood]), least, car)


def used_up(now: datetime, budget: Budget, cost: int, car: str) -> Turn:
    """After the month's calls; firm where not even a click can be afforded."""
    return Turn(new_month(now, car), budget.left(urgent=True) < cost, "budget")


def asleep(now: datetime, times: int) -> Turn:
    """A car that was asleep or out of reach for the `times`-th time in a row (from 1)."""
    pause = ASLEEP_FIRST * 2.0 ** min(max(times, 1) - 1, 10)
    return Turn(now + min(pause, ASLEEP_MOST), reason="asleep")


def faulty(now: datetime, times: int) -> Turn:
    """A car whose round failed for the `times`-th time in a row (from 1) by a passing fault."""
    pause = BACKGROUND * 2.0 ** min(max(times, 1) - 1, 10)
    return Turn(now + min(pause, FAULT_MOST), reason="trouble")


def stored(now: datetime, budget: Budget, *, subscribed: bool, empty: int, car: str) -> Turn:
    """The next look into the vendor's own store (v3), at one call; `empty` looks in a row found nothing."""
    if budget.left(urgent=False) < 1:
        return used_up(now, budget, 1, car)
    usual = SUBSCRIBED if subscribed else UNSUBSCRIBED
    pause = min(EMPTY[empty - 1], usual) if 0 < empty <= len(EMPTY) else usual
    return _this_month(now, pause, BACKGROUND, car)


def _this_month(now: datetime, pause: timedelta, least: timedelta, car: str) -> Turn:
    """After a pause, or when the next month brings new calls; not before the least pause."""
    return Turn(min(now + pause, max(new_month(now, car), now + least)))


def new_month(now: datetime, car: str) -> datetime:
    """When a car may begin the next month: each at a minute of its own."""
    return month_end(now) + STAGGER * (zlib.crc32(car.encode()) % 60 / 60)
