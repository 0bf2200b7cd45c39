"""How much came in since the last reading: by the vendor's counter, else by the state of charge."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from wattledger.accounting import ZERO, Level
from wattledger.charging.words import Battery, Seen, State
from wattledger.faults import sabotaged

FASTEST_KW = 400
"""no car takes more"""
ALLOWANCE_WH = Decimal(2500)
"""what readings may be ahead by: they come in steps, and their instants are not exact"""
WOBBLE_WH = Decimal(100)
FALL = Decimal(2)
"""per cent: a smaller fall of the state of charge says nothing"""
HOUR = timedelta(hours=1)


def possible(wh: Decimal, start: datetime, end: datetime, kw: int = FASTEST_KW) -> bool:
    """Whether that power reaches for that energy in that time."""
    return wh - ALLOWANCE_WH <= Decimal(kw * 1000) * Decimal((end - start) / HOUR)


def by_counter(now: State, seen: Seen, battery: Battery, moved: bool) -> Decimal:
    """What the counter adds to the plug-in. Afterwards `now` knows the reading and the plug-in's base."""
    value, last = seen.added, now.counter
    if value is None:
        return ZERO
    start = last.at if last else now.since or seen.at
    if last is None:
        fresh = now.whole and now.open and possible(value, now.first_at or seen.at, seen.at)
        now.base = ZERO if fresh else value - now.charged
    elif now.base is None:
        if value == last.wh and value > 0:  # the new plug-in has not told of itself yet
            return ZERO
        now.base = ZERO if _anew(now, last, seen, value, battery, moved) else last.wh
    elif value < last.wh and not sabotaged("charge_rebase"):
        if now.low is None and value < last.wh - WOBBLE_WH:
            now.low = Level(value, seen.at)
        if now.low is None or now.low.at == seen.at:
            return ZERO
        _begin_anew(now, value, start, seen.at)
    now.counter, now.low, now.soc_read = Level(value, seen.at), None, _soc(now, seen)
    return _due(now, value, start, seen.at)


def _soc(now: State, seen: Seen) -> Decimal | None:
    return now.soc if seen.soc is None else seen.soc


def _begin_anew(now: State, value: Decimal, start: datetime, at: datetime) -> None:
    """The counter fell: a plug-in began that was not seen, and counted from 0 where that is possible."""
    now.session += 1
    now.opened = at
    now.open, now.whole, now.charged, now.counted, now.begun = True, False, ZERO, False, False
    now.first_soc, now.first_at = now.soc, now.since or start
    now.base = ZERO if possible(value, start, at) else value


def _anew(now: State, last: Level, seen: Seen, value: Decimal, battery: Battery, moved: bool) -> bool:
    """Whether the first other reading of a plug-in counts from 0; if not, the counter went on."""
    if sabotaged("charge_rebase"):
        return False
    if value < last.wh:
        return True
    if not possible(value, last.at, seen.at):
        return False
    soc, before = _soc(now, seen), now.soc_read
    if moved or (soc is not None and before is not None and soc < before - FALL):
        return True
    size = capacity(now, battery)
    if size is None or soc is None or before is None:
        return False
    expected = (soc - before) * size / (100 * battery.efficiency)
    return abs(value - expected) < abs(value - last.wh - expected)


def _due(now: State, value: Decimal, start: datetime, at: datetime) -> Decimal:
    assert now.base is not None
    due = value - now.base - now.charged
    if due <= 0:
        return ZERO
    if not possible(due, start, at):
        now.base += due  # a leap that no charger makes: it tells nothing
        return ZERO
    now.counted = True
    return due


def by_soc(now: State, seen: Seen, moved: bool) -> Decimal:
    """By how many per cent the state of charge rose through charging. Afterwards `now` knows the level."""
    soc, level = seen.soc, now.soc
    if soc is None:
        return ZERO
    if level is None or soc < level - (ZERO if moved else FALL):
        now.soc = soc
        if not now.counted:
            now.first_soc = soc
        return ZERO
    if soc - level >= _least(now, seen) and soc > level:
        now.soc = soc
        return soc - level
    if now.plugged is False and seen.plugged is not True:
        now.soc = soc
    return ZERO


def _least(now: State, seen: Seen) -> Decimal:
    """What a rise must reach to be charging: more where less speaks for it."""
    if now.live:
        return ZERO
    if seen.contradicts:
        return Decimal(3)
    plugged = now.plugged or seen.plugged
    if plugged:
        return Decimal(2) if now.charging is False else Decimal(1)
    return Decimal(3) if plugged is None else Decimal(5)


def capacity(now: State, battery: Battery) -> Decimal | None:
    """The battery's size: as its owner says, else as the car does."""
    return battery.capacity_wh or now.capacity


def wall_wh(per_cent: Decimal, now: State, battery: Battery) -> Decimal | None:
    """What the wall gave for a rise of the state of charge, None where the battery's size is not known."""
    size = capacity(now, battery)
    return None if size is None else (per_cent * size / 100 / battery.efficiency).quantize(Decimal("0.001"))
