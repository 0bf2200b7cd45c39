"""Why a charging session is told as it is: its evidence in sentences, the meter's too. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from wattledger.charging import Method
from wattledger.insight.session import Session
from wattledger.localday import QUARTER, zone

LONG_SILENCE = timedelta(hours=1)
AROUND = timedelta(hours=2)
ROSE, STAYED = 0.6, 0.2
"""of the charging power: from where the meter's load rose with it, and up to where it did not"""


@dataclass(slots=True)
class Facts:
    """What was noticed of a session beside its figures."""

    seen_begin: bool = False
    contradicted: bool = False
    slipped: bool = False
    silence: timedelta = timedelta(0)
    """the longest time within it in which nothing was heard"""
    booked: Decimal = Decimal(0)
    capacity: Decimal | None = None
    efficiency: Decimal = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class MeterSlot:
    """A quarter-hour of the meter; Wh, None where it is missing."""

    start: datetime
    wh: int | None


def evidence(session: Session, facts: Facts, timezone: str) -> list[str]:
    """Sentences about energy, place and time."""
    told = [_energy(session, facts), _place(session, facts)]
    if facts.silence > LONG_SILENCE and session.segments:
        told.append(f"For {_length(facts.silence)} nothing was heard, so its times are less certain.")
    if session.plugged_in is None:
        told.append("When it was plugged in was not told.")
    elif not facts.seen_begin:
        told.append("It was plugged in already when it was first heard.")
    if session.end is not None and session.plugged_out is None:
        told.append("When it was unplugged was not told.")
    if facts.contradicted:
        told.append("The car said at once that it charges and that it is unplugged; that counted little.")
    if facts.slipped:
        told.append("Its counter fell once; it was believed only when that was told again.")
    if len(session.segments) > 1:
        spans = [f"{_clock(s.start, timezone)} to {_clock(s.end, timezone)}" for s in session.segments[:6]]
        told.append(f"It charged in {len(session.segments)} stretches: {', '.join(spans)}.")
    return told


def _energy(session: Session, facts: Facts) -> str:
    if session.wh is None:
        if session.soc_from is None:
            return "The car told neither a counter nor its state of charge: the energy is not known."
        if facts.capacity is None:
            return "The battery's capacity is not known, so neither is the energy; enter it for this car."
        return "The state of charge did not move by a per cent while it charged: the energy is not known."
    if not session.segments:
        return "Nothing was charged yet." if session.end is None else "Nothing was charged."
    if session.method is Method.COUNTER:
        return "Energy by the car's own counter."
    size = f"{facts.capacity / 1000:.1f} kWh" if facts.capacity else "the battery"
    share = f"{facts.efficiency.normalize():f}"
    return f"Energy derived from the state of charge: its rise, of {size}, divided by {share}."


def _place(session: Session, facts: Facts) -> str:
    if session.place == "away":
        return "Away from home, so it is not part of this site's energy."
    if session.place == "unknown":
        return (
            "No position was told since the car last moved, or no home is set: "
            "the place is not known, so nothing is booked."
        )
    if session.wh and facts.booked < session.wh:
        return "At home, but a part came faster than a house gives or after it had left: that is not booked."
    return "At home, by the position or the car's own word."


def by_meter(session: Session, slots: Sequence[MeterSlot]) -> str | None:
    """What the meter's load says of a session whose place is not known; None where it says nothing.

    It is evidence only: other loads begin and end too, so nothing is booked by it.
    """
    inside: list[int] = []
    beside: list[int] = []
    hours = timedelta(0)
    for segment in session.segments:
        hours += segment.end - segment.start
    if not session.wh or not hours:
        return None
    for slot in slots:
        if slot.wh is not None:
            (inside if _covered(session, slot.start) else beside).append(slot.wh)
    if len(inside) < 2 or len(beside) < 4:
        return None
    rise = (sum(inside) / len(inside) - sum(beside) / len(beside)) * 4 / 1000
    power = float(session.wh) / 1000 / (hours / timedelta(hours=1))
    how = "higher" if rise >= 0 else "lower"
    said = f"the meter's load was {abs(rise):.1f} kW {how} than before and after"
    if rise >= ROSE * power:
        return f"By the meter it was at home: {said}, and it charged with {power:.1f} kW. It is not booked."
    if rise <= STAYED * power:
        return f"By the meter it was elsewhere: {said}, though it charged with {power:.1f} kW."
    return None


def _covered(session: Session, start: datetime) -> bool:
    return any(s.start <= start and start + QUARTER <= s.end for s in session.segments)


def _clock(when: datetime, timezone: str) -> str:
    return f"{when.astimezone(zone(timezone)):%H:%M}"


def _length(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    return f"{hours:.0f} hours" if hours >= 2 else f"{span // timedelta(minutes=1)} minutes"
