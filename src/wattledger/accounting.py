"""From a register's reports to energy: a verdict for each report, and what it books, exactly. Pure.

    judged, state = judge(state, report)        one report, in receive order
    entries, state = account(reports)           a whole series
    days = spread(bookings, "America/Chicago")  integer Wh by local quarter-hour

A report's identity is the instant at which it ends. A register (`energy`) is the truth, the vendor's delta
a cross-check; a device whose register never moved is booked by its deltas, once each.

    state          report                                  verdict       books
    none           the first                               baseline      nothing: its delta lies before us
    any            same end as the newest                  duplicate     nothing
    any            an earlier end                          late          nothing
    deltas only    register 0 or absent, a delta           delta         the delta
    deltas only    register above 0                        baseline      nothing
    register       E >= last, within the limit             ok/gap/...    E - last, from the last end to this
    register       E < last                                suspect       nothing; last stays
    suspect        E >= last                               healed        E - last
    suspect        still lower, first low was possible     reset         E, counted from 0
    suspect        still lower, it was not                 rollback      E - first low
    any            more than 20 kW and 100 Wh allow        implausible   nothing; last stays
    implausible    confirms the high level                 rebased       E - high level
    any            neither register nor delta to go by     unusable      nothing; its end is remembered
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Context, Decimal
from enum import StrEnum
from typing import Any

from wattledger.faults import sabotaged
from wattledger.units import register_wh

ALLOWANCE_WH = Decimal(100)
"""what a register may move by beside 20 kW x time; some registers count in steps of 100 Wh"""
TOLERANCE_WH, TOLERANCE = Decimal(2), Decimal("0.02")
LONGEST_DELTA = timedelta(days=2)
ZERO = Decimal(0)
_EXACT = Context(prec=120)
_MICROSECOND = timedelta(microseconds=1)


class Verdict(StrEnum):
    """What one report was found to be."""

    BASELINE = "baseline"
    DUPLICATE = "duplicate"
    LATE = "late"
    OK = "ok"
    GAP = "gap"
    DELTA_ABOVE = "delta>counter"
    DELTA = "delta"
    SUSPECT = "suspect"
    HEALED = "healed"
    RESET = "reset"
    ROLLBACK = "rollback"
    IMPLAUSIBLE = "implausible"
    REBASED = "rebased"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Report:
    """What a device said of its register: Wh as reported; `register` names which one it read."""

    end: datetime
    energy: Decimal | None = None
    delta: Decimal | None = None
    start: datetime | None = None
    register: str = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """Exact energy (Wh) of an interval [start, end); `derived` where part of it may be missing."""

    start: datetime
    end: datetime
    wh: Decimal
    derived: bool = False

    def __post_init__(self) -> None:
        if self.start >= self.end or self.wh < 0:
            raise ValueError("A booking has a positive length and no negative energy.")


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one report; without a booking nothing is known of its interval yet."""

    verdict: Verdict
    booking: Booking | None = None

    @property
    def wh(self) -> Decimal:
        """What was booked, 0 where nothing was."""
        return self.booking.wh if self.booking else ZERO


@dataclass(frozen=True, slots=True)
class Level:
    """A register's value and when it was read."""

    wh: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """What must be remembered between two reports. Judging may go on from a stored one."""

    end: datetime | None = None
    """of the newest report, good or not"""
    last: Level | None = None
    """the trusted level; None while only deltas are known"""
    covered: datetime | None = None
    """up to here energy is booked, or known to lie before us"""
    low: Level | None = None
    high: Level | None = None
    register: str = ""
    booked: Decimal = ZERO
    """sum of all bookings: what `spread` has to carry on from"""


def report_of(at: datetime, values: Mapping[str, Any]) -> Report | None:
    """The report in an observation's values; None where there is none.

    `register_wh`, `delta_wh` (decimal texts), `report_start`, `report_end` (ISO), `register`.
    """
    if "register_wh" not in values and "delta_wh" not in values:
        return None
    start, end = values.get("report_start"), values.get("report_end")
    return Report(
        datetime.fromisoformat(end) if end else at,
        register_wh(values.get("register_wh")),
        register_wh(values.get("delta_wh")),
        datetime.fromisoformat(start) if start else None,
        str(values.get("register", "")),
    )


def account(reports: Iterable[Report], state: State | None = None) -> tuple[list[Judged], State]:
    """The verdict of each report in receive order, and the state after the last."""
    present, judged = state or State(), []
    for report in reports:
        one, present = judge(present, report)
        judged.append(one)
    return judged, present


def judge(state: State, report: Report) -> tuple[Judged, State]:
    """The verdict on one report, and the state after it."""
    if nothing := _books_nothing(state, report):
        return Judged(nothing), state
    moved = state.last is None and bool(report.energy)
    if state.covered is None or report.register != state.register or moved:
        return _baseline(state, report)
    if state.last is None:
        return _delta(state, state.covered, report)
    if report.energy is None:
        return _unusable(state, report)
    return _counter(state, state.last, Level(report.energy, report.end), report.delta)


def _books_nothing(state: State, report: Report) -> Verdict | None:
    """The verdict on a report that is no news."""
    if report.energy is None and report.delta is None:
        return Verdict.UNUSABLE
    if state.end is not None and report.end == state.end and not sabotaged("report_identity"):
        return Verdict.DUPLICATE
    if state.end is not None and report.end <= state.end and not sabotaged("report_order"):
        return Verdict.LATE
    return None


def _baseline(state: State, report: Report) -> tuple[Judged, State]:
    level = Level(report.energy, report.end) if report.energy else None
    fresh = State(report.end, level, report.end, register=report.register, booked=state.booked)
    return Judged(Verdict.BASELINE), fresh


def _delta(state: State, covered: datetime, report: Report) -> tuple[Judged, State]:
    """A device that says only what it used since its last report."""
    if report.delta is None:
        return _unusable(state, report)
    told = report.start
    earliest = min(covered, told) if told and report.end - told <= LONGEST_DELTA else covered
    if not _possible(report.delta, earliest, report.end):
        return Judged(Verdict.IMPLAUSIBLE), replace(state, end=report.end, covered=report.end)
    start = told if told and covered < told < report.end else covered
    return _book(state, Verdict.DELTA, Booking(start, report.end, report.delta), None)


def _unusable(state: State, report: Report) -> tuple[Judged, State]:
    """Remembered by its end, or heard again it could be taken for news."""
    return Judged(Verdict.UNUSABLE), replace(state, end=report.end)


def _counter(state: State, last: Level, now: Level, delta: Decimal | None) -> tuple[Judged, State]:
    if state.high and now.wh >= state.high.wh:
        use = _minus(now, state.high)
        if _possible(use, state.high.at, now.at):
            return _book(state, Verdict.REBASED, Booking(state.high.at, now.at, use), now)
    if now.wh < last.wh and not sabotaged("suspect_low"):
        if state.low:
            return _second_low(state, last, state.low, now)
        return Judged(Verdict.SUSPECT), replace(state, end=now.at, low=now, high=None)
    use = max(ZERO, _minus(now, last))
    if not _possible(use, last.at, now.at):
        return _implausible(state, now)
    verdict = Verdict.HEALED if state.low else _compared(use, delta)
    return _book(state, verdict, Booking(last.at, now.at, use), now)


def _second_low(state: State, last: Level, low: Level, now: Level) -> tuple[Judged, State]:
    """Two reports in a row below the trusted level: the register itself has moved back."""
    if _possible(low.wh, last.at, low.at):
        verdict, booking = Verdict.RESET, Booking(last.at, now.at, now.wh, derived=True)
    else:
        use = max(ZERO, _minus(now, low))
        verdict, booking = Verdict.ROLLBACK, Booking(low.at, now.at, use, derived=True)
    if not _possible(booking.wh, booking.start, booking.end):
        return _implausible(state, now)
    return _book(state, verdict, booking, now)


def _implausible(state: State, now: Level) -> tuple[Judged, State]:
    return Judged(Verdict.IMPLAUSIBLE), replace(state, end=now.at, low=None, high=now)


def _book(state: State, verdict: Verdict, booking: Booking, level: Level | None) -> tuple[Judged, State]:
    total = _EXACT.add(state.booked, booking.wh)
    after = State(booking.end, level, booking.end, register=state.register, booked=total)
    return Judged(verdict, booking), after


def _compared(use: Decimal, delta: Decimal | None) -> Verdict:
    if delta is None or abs(_EXACT.subtract(use, delta)) <= max(TOLERANCE_WH, TOLERANCE * use):
        return Verdict.OK
    return Verdict.GAP if use > delta else Verdict.DELTA_ABOVE


def _possible(wh: Decimal, start: datetime, end: datetime) -> bool:
    """Whether 20 kW and the allowance reach for it: (wh - 100) / hours <= 20,000 without a division."""
    microseconds = (end - start) // _MICROSECOND
    return sabotaged("power_limit") or (wh - ALLOWANCE_WH) * 9_000_000 <= 50 * microseconds


def _minus(now: Level, before: Level) -> Decimal:
    return _EXACT.subtract(now.wh, before.wh)
