"""Thirteen months of an invented home as the files in which a utility would deliver them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from tests.payloads import smt
from wattledger.localday import day as date_of
from wattledger.model import Flow
from wattledger.simulators.home import Day, Home

ESIID = "10443720000000001"
FIRST, LAST = date(2025, 6, 10), date(2026, 7, 14)
NOW = datetime.fromisoformat("2026-07-15T14:10:00+00:00")
GONE = {date(2026, 2, 11), date(2026, 2, 12)}
"""days that never came"""
CUT = {date(2026, 5, 20): range(40), LAST: range(82, 86)}
"""quarter-hours that came blank"""
GUESSED = {LAST: range(36, 54)}
"""quarter-hours that are still the utility's estimate"""
REVISED = {date(2025, 9, 3), date(2026, 1, 14), date(2026, 6, 18), date(2026, 7, 9), LAST}


def export(first: date = FIRST, last: date = LAST) -> bytes:
    """The portal's export of these days: some estimated, two missing, some quarter-hours blank."""
    found = Home(esiid=ESIID, seed=5).days(first, (last - first).days + 1)
    return smt.csv(*(_written(day) for day in found if date_of(day.number) not in GONE))


def corrections() -> bytes:
    """A second file: the days that the utility read again a week later."""
    home = Home(esiid=ESIID, seed=5)
    return smt.csv(*(_again(home, day) for day in sorted(REVISED)))


def _written(day: Day) -> smt.Day:
    when = date_of(day.number)
    values: list[int | None] = [int(v) for v in day.wh(Flow.DELIVERED, revised=False)]
    letters = ["E" if e else "A" for e in day.estimated]
    for slot in CUT.get(when, ()):
        values[slot] = None
    for slot in GUESSED.get(when, ()):
        letters[slot] = "E"
    return smt.Day(when, values, "".join(letters), ESIID)


def _again(home: Home, when: date) -> smt.Day:
    """The same day with four values of the early morning raised, dated a few hours later."""
    day = _written(next(home.days(when, 1)))
    for slot in range(24, 28):
        day.wh[slot] = (day.wh[slot] or 0) + 25
    day.revision = datetime(when.year, when.month, when.day, 9, 2, 11) + timedelta(1)
    return day


def true_wh(first: date = FIRST, last: date = LAST) -> int:
    """The sum of the export alone, counted without the product."""
    found = Home(esiid=ESIID, seed=5).days(first, (last - first).days + 1)
    return sum(wh or 0 for day in found if date_of(day.number) not in GONE for wh in _written(day).wh)
