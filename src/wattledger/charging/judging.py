"""One observation after the other: what the car does, what came in, and whether it was at home."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from wattledger.accounting import ZERO, Booking
from wattledger.charging.measures import FALL, HOUR, by_counter, by_soc, possible, wall_wh
from wattledger.charging.words import Battery, Charge, Judged, Method, Seen, State, Verdict
from wattledger.faults import sabotaged

HOME_KW = 25
"""a house's circuit gives less: 80 A at 240 V are 19.2 kW"""
LEAST_KW = Decimal("0.3")
MOVED_KM = Decimal("0.5")
LEFT_SOON = timedelta(hours=2)
MOST_HELD = 400
STEPS = timedelta(minutes=20)
"""a counter that stands still for less may only count in steps"""


def account(seen: Iterable[Seen], battery: Battery, state: State | None = None) -> tuple[list[Judged], State]:
    """The verdict on each observation, in the order of their instants, and the state after the last."""
    present, judged = state or State(), []
    for one in seen:
        found, present = judge(present, one, battery)
        judged.append(found)
    return judged, present


def judge(state: State, seen: Seen, battery: Battery) -> tuple[Judged, State]:
    """The verdict on one observation, and the state after it; `state` stays as it is."""
    if state.at is not None and seen.at < state.at and not sabotaged("charge_order"):
        return Judged(Verdict.LATE), state
    now = copy(state)
    if now.since is None:
        now.since = seen.at
    now.capacity = seen.capacity or now.capacity
    moved = _moved(now, seen)
    charges: list[Charge] = []
    bookings: list[Booking] = []
    if moved:
        _leave(now, seen, battery, charges, bookings)
    _doubt(now, seen)
    if seen.home is not None:
        bookings += _placed(now, seen.home)
        now.home_soc, now.home_at = now.soc if seen.soc is None else seen.soc, seen.at
    _signals(now, seen)
    certain = now.open or now.live or seen.odometer is not None
    found = _measured(now, seen, battery, moved)
    if certain:
        _book(now, found, bookings)
    charges += found
    _settled(now, seen, battery, charges, bookings)
    if seen.odometer is not None:
        now.odometer, now.odometer_at = max(seen.odometer, now.odometer or ZERO), seen.at
    now.soc_at = now.soc_at if seen.soc is None else seen.at
    now.at = seen.at
    for booking in bookings:
        now.booked += booking.wh
    verdict = _verdict(state, now, seen, moved, bool(charges))
    return Judged(verdict, tuple(charges), tuple(bookings)), now


def _moved(now: State, seen: Seen) -> bool:
    """Whether the car was driven since the observation before."""
    if _farther(now, seen) and not _earlier(now, now.odometer_at):
        return True
    fell = seen.soc is not None and now.soc is not None and seen.soc < now.soc - FALL
    return fell and not _plugged(now, seen)


def _farther(now: State, seen: Seen) -> bool:
    known = seen.odometer is not None and now.odometer is not None
    return known and seen.odometer > now.odometer + MOVED_KM  # type: ignore[operator]


def _earlier(now: State, at: datetime | None) -> bool:
    """Whether that was before the present plug-in: what changed since may be the drive to it."""
    return now.open and at is not None and now.opened is not None and at < now.opened


def _plugged(now: State, seen: Seen) -> bool | None:
    return now.plugged if seen.plugged is None else seen.plugged


def _leave(now: State, seen: Seen, battery: Battery, charges: list[Charge], bookings: list[Booking]) -> None:
    """The car was driven: what its last plug-in still took is accounted where it stood; it stands no more."""
    if now.live and now.until is None:
        now.until = seen.at
    parted = not seen.plugged and not seen.charging and now.counter is not None
    if parted and seen.added is not None and now.since is not None:
        soon = now.live and seen.at - now.since <= LEFT_SOON
        now.home = now.home if soon else None
        found = _measured(now, replace(seen, soc=None, charging=None, plugged=None), battery, False)
        _book(now, found, bookings)
        charges += found
    _close(now, seen.at, battery, charges, bookings)
    now.live, now.until, now.steady = False, None, False
    now.home, now.held = None, ()


def _doubt(now: State, seen: Seen) -> None:
    """A drive may be told late; without an odometer, any energy used while unplugged may have been one."""
    fell = seen.soc is not None and now.soc is not None and seen.soc < now.soc - FALL
    late = (_farther(now, seen) and _earlier(now, now.odometer_at)) or (fell and _earlier(now, now.soc_at))
    if late and _earlier(now, now.home_at):
        now.home = None
    used = seen.soc is not None and now.home_soc is not None and seen.soc <= now.home_soc - 1
    if used and now.odometer is None and not (now.plugged and _plugged(now, seen)):
        now.home = None


def _placed(now: State, home: bool) -> list[Booking]:
    """Where the car is, and so where this plug-in's charges were that waited for it."""
    now.home = home
    held, now.held = now.held, ()
    return list(held) if home else []


def _signals(now: State, seen: Seen) -> None:
    """Plugged in, charging, or not, before what came in is measured."""
    if (seen.plugged or seen.charging) and not now.open:
        _open(now, seen.at)
    if seen.charging:
        if not now.live and now.quiet is not None and now.since is not None:
            now.since = max(now.since, now.quiet)
        now.told = now.told and now.live
        now.live, now.until = True, None
        if seen.kw is not None and seen.kw >= LEAST_KW:
            now.kw = seen.kw
    ended = seen.charging is False or seen.plugged is False
    if ended and now.live and now.until is None:
        now.until = seen.at


def _open(now: State, at: datetime) -> None:
    """A plug-in begins."""
    now.session += 1
    now.opened = at
    now.open, now.begun, now.counted, now.charged = True, False, False, ZERO
    now.whole = now.plugged is False
    now.base = None if now.counter else now.base
    now.low, now.kw = None, None
    if now.until is not None:  # the plug-in before ended without a last reading
        now.since, now.until, now.live, now.steady = now.quiet or now.since, None, False, False
    now.first_soc, now.first_at = now.soc, now.since or at


def _measured(now: State, seen: Seen, battery: Battery, moved: bool) -> list[Charge]:
    """What came in by this observation: by the counter where there is one, else by the state of charge."""
    session, counting = now.session, now.counter is not None or seen.added is not None
    due, level = by_counter(now, seen, battery, moved), now.soc
    rise = by_soc(now, seen, moved)
    if now.session != session:
        now.held, now.kw = (), None
        now.home = now.home if now.odometer is not None or seen.home is not None else None
    if due > 0:
        return _charge(now, seen, due, Method.COUNTER, level, now.soc)
    if not counting and rise > 0:
        if not now.open:
            _open(now, seen.at)
            now.first_soc = level
        wh = wall_wh(rise, now, battery)
        found = _charge(now, seen, wh, Method.UNKNOWN if wh is None else Method.SOC, level, now.soc)
        now.soc = now.soc if found else level
        return found
    confirmed = seen.added is not None if counting else _no_more(seen.soc, now.soc)
    if confirmed and (not now.live or _counts(now, counting, seen.at)):
        now.since, now.steady = seen.at, now.live
    return []


def _counts(now: State, counting: bool, at: datetime) -> bool:
    """Whether a counter that stood still while charging says that nothing came in till now."""
    return counting and now.base is not None and now.since is not None and at - now.since >= STEPS


def _no_more(soc: Decimal | None, level: Decimal | None) -> bool:
    return soc is not None and level is not None and soc <= level


def _charge(
    now: State, seen: Seen, wh: Decimal | None, method: Method, low: Decimal | None, high: Decimal | None
) -> list[Charge]:
    start, end = _bounds(now, seen.at, wh)
    if start >= end:
        return []
    if now.steady and now.live and now.until is None and wh and seen.kw is None:
        now.kw = wh / 1000 / Decimal((end - start) / HOUR)
    now.charged += wh or ZERO
    now.since, now.steady, now.begun, now.told = end, now.live and now.until is None, True, True
    return [Charge(start, end, wh, method, low, high, now.session)]


def _bounds(now: State, at: datetime, wh: Decimal | None) -> tuple[datetime, datetime]:
    """From when to when it charged: as short as the power allows where one end is known."""
    start, end = now.since or at, min(now.until or at, at)
    if not wh or not now.kw or not now.live or start >= end:
        return start, end
    need = HOUR * float(wh / 1000 / now.kw)
    ended = now.until is not None
    if need < timedelta(seconds=1) or need >= end - start or now.steady != ended:
        return start, end
    return (start, start + need) if ended else (end - need, end)


def _book(now: State, charges: list[Charge], bookings: list[Booking]) -> None:
    """What was charged at home is booked; where the place is not known yet it waits for it."""
    for charge in charges:
        if not charge.wh:
            continue
        booking = Booking(charge.start, charge.end, charge.wh, derived=charge.method is not Method.COUNTER)
        if not possible(booking.wh, booking.start, booking.end, HOME_KW):
            continue
        if now.home or sabotaged("charge_place"):
            bookings.append(booking)
        elif now.home is None and now.open:
            now.held = _joined((*now.held, booking))


def _joined(held: tuple[Booking, ...]) -> tuple[Booking, ...]:
    """Where very many wait, the two oldest neighbours become one."""
    if len(held) <= MOST_HELD:
        return held
    one, other, *rest = held
    both = Booking(one.start, other.end, one.wh + other.wh, derived=True)
    return (both, *rest)


def _settled(
    now: State, seen: Seen, battery: Battery, charges: list[Charge], bookings: list[Booking]
) -> None:
    """What the car does from here on."""
    if seen.plugged is False:
        _close(now, seen.at, battery, charges, bookings)
    if seen.charging is False or seen.plugged is False:
        _ended(now, seen, charges)
        now.quiet = seen.at
    if seen.charging is not None or seen.plugged is False:
        now.charging = seen.charging if seen.plugged is not False else False
    if seen.charging:
        now.begun = True
    if seen.plugged is not None:
        now.plugged = seen.plugged
    if now.open and now.home is not None:
        now.home_soc = now.soc


def _ended(now: State, seen: Seen, charges: list[Charge]) -> None:
    """Charging was seen and is over; without any measure of it, its energy is not known."""
    if not now.live:
        return
    measured = seen.added is not None if now.counter else seen.soc is not None
    mute = now.counter is None and not now.told
    if mute and now.since is not None and now.since < seen.at:
        charges.append(Charge(now.since, seen.at, None, Method.UNKNOWN, now.first_soc, now.soc, now.session))
    if measured or mute:
        now.since, now.until, now.live, now.steady = seen.at, None, False, False


def _close(
    now: State, at: datetime, battery: Battery, charges: list[Charge], bookings: list[Booking]
) -> None:
    """The plug-in is over. A counter that never moved did not count: the state of charge speaks instead."""
    silent = now.open and now.counter is not None and not now.counted and now.charged == 0
    low, high = now.first_soc, now.soc
    if silent and now.begun and low is not None and high is not None and high - low >= 2:
        wh = wall_wh(high - low, now, battery)
        start, end = now.first_at or at, min(now.until or at, at)
        if wh and start < end:
            found = Charge(start, end, wh, Method.SOC, low, high, now.session)
            now.charged, now.since = wh, max(now.since or end, end)
            charges.append(found)
            _book(now, [found], bookings)
    now.open = False


def _verdict(before: State, now: State, seen: Seen, moved: bool, found: bool) -> Verdict:
    again = before.begun and before.session == now.session
    said = (
        (moved, Verdict.MOVED),
        (now.low is not None and now.low.at == seen.at, Verdict.SUSPECT),
        (before.open and seen.plugged is False, Verdict.UNPLUGGED),
        (seen.charging and not before.charging, Verdict.RESUMED if again else Verdict.BEGIN),
        (before.charging and now.charging is False, Verdict.END),
        (now.charging or found, Verdict.CHARGING),
        (now.open and not before.open, Verdict.PLUGGED),
    )
    return next((verdict for holds, verdict in said if holds), Verdict.PARKED)
