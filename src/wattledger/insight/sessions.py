"""Charging sessions: from plug-in to plug-out, with the stretches of charging inside. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from wattledger.charging import Battery, Charge, Judged, Method, Seen, State, Verdict, judge
from wattledger.insight.session import Place, Segment, Session
from wattledger.insight.session_words import Facts, evidence

HOUR = timedelta(hours=1)


@dataclass(slots=True)
class _Draft:
    """A session while its observations are read."""

    facts: Facts = field(default_factory=Facts)
    plugged_in: datetime | None = None
    plugged_out: datetime | None = None
    last: datetime | None = None
    charges: list[Charge] = field(default_factory=list)
    places: list[bool] = field(default_factory=list)
    booked: Decimal = Decimal(0)
    soc_from: Decimal | None = None
    soc_to: Decimal | None = None
    peak_kw: Decimal | None = None


def sessions(seen: Iterable[Seen], battery: Battery, timezone: str) -> list[Session]:
    """The sessions in a car's observations, which are in the order of their instants; oldest first.

    Of the first one the begin may be missing: read from some days before those that are wanted.
    """
    state, drafts, moved = State(), dict[int, _Draft](), True
    for one in seen:
        judged, after = judge(state, one, battery)
        if judged.verdict is not Verdict.LATE:
            moved = (moved and after.session == state.session) or judged.verdict is Verdict.MOVED
            moved = moved and not after.open
            _take(drafts, one, judged, state, after, moved)
            state = after
    return [_session(draft, battery, state, n, timezone) for n, draft in sorted(drafts.items())]


def _take(
    drafts: dict[int, _Draft], seen: Seen, judged: Judged, before: State, after: State, moved: bool
) -> None:
    for charge in judged.charges:
        drafts.setdefault(charge.session, _Draft()).charges.append(charge)
    if after.open:
        _plugged(drafts.setdefault(after.session, _Draft()), seen, before, after)
    draft = drafts.get(after.session)
    if before.open and (there := drafts.get(before.session)) is not None:
        if seen.plugged is False and there.plugged_out is None:
            there.plugged_out = seen.at
            if judged.verdict is not Verdict.MOVED and seen.soc is not None:
                there.soc_to = max(seen.soc, there.soc_to or seen.soc)
        if there.last is not None and before.at is not None:
            there.facts.silence = max(there.facts.silence, seen.at - before.at)
        there.last = seen.at
    if draft is None:
        return
    if after.home is not None and not moved:
        draft.places.append(after.home)
    for booking in judged.bookings:
        holder = next((d for d in drafts.values() if d.charges and _holds(d, booking.start)), draft)
        holder.booked += booking.wh
    draft.facts.contradicted |= seen.contradicts
    draft.facts.slipped |= judged.verdict is Verdict.SUSPECT


def _holds(draft: _Draft, start: datetime) -> bool:
    return draft.charges[0].start <= start < draft.charges[-1].end


def _plugged(draft: _Draft, seen: Seen, before: State, after: State) -> None:
    if draft.last is None:
        draft.facts.seen_begin = before.plugged is False
        draft.soc_from, draft.last = after.first_soc if after.first_soc is not None else seen.soc, seen.at
    if seen.plugged and draft.plugged_in is None:
        draft.plugged_in = seen.at
    if seen.soc is not None:
        draft.soc_from = seen.soc if draft.soc_from is None else draft.soc_from
        draft.soc_to = seen.soc
    if seen.charging and seen.kw:
        draft.peak_kw = max(seen.kw, draft.peak_kw or seen.kw)


def _session(draft: _Draft, battery: Battery, state: State, n: int, timezone: str) -> Session:
    segments = _segments(draft.charges)
    known = [s.wh for s in segments if s.wh is not None]
    unknown = len(known) < len(segments)
    wh = None if unknown else sum(known, Decimal(0))
    if not segments and draft.soc_from is None and state.counter is None:
        wh = None
    methods = {s.method for s in segments}
    method = methods.pop() if len(methods) == 1 else Method.SOC if Method.SOC in methods else Method.UNKNOWN
    if not segments and wh is not None:
        method = Method.COUNTER if state.counter is not None else Method.SOC
    going_on = n == state.session and state.open and bool(state.plugged or state.charging)
    edges = [s.end for s in segments[-1:]] + ([draft.plugged_out] if draft.plugged_out else [])
    starts = [s.start for s in segments[:1]] + ([draft.plugged_in] if draft.plugged_in else [])
    start = min(starts) if starts else draft.last or state.at
    assert start is not None
    end = None if going_on else max([*edges, start])
    place = _place(draft.places)
    draft.facts.booked, draft.facts.capacity = draft.booked, battery.capacity_wh or state.capacity
    draft.facts.efficiency = battery.efficiency
    made = Session(
        start, end, draft.plugged_in, draft.plugged_out, segments, wh, method, place, draft.booked,
        draft.soc_from, draft.soc_to, draft.peak_kw or _mean(segments),
    )  # fmt: skip
    return replace(made, evidence=tuple(evidence(made, draft.facts, timezone)))


def _place(places: Sequence[bool]) -> Place:
    """The place that was told; where it was told both ways, the one that was told more often."""
    if not places:
        return Place.UNKNOWN
    return Place.HOME if 2 * sum(places) >= len(places) else Place.AWAY


def _segments(charges: Sequence[Charge]) -> tuple[Segment, ...]:
    """Neighbours that are known in the same way become one."""
    found: list[Segment] = []
    for one in charges:
        last = found[-1] if found else None
        if last is not None and last.end == one.start and last.method is one.method:
            wh = None if last.wh is None or one.wh is None else last.wh + one.wh
            found[-1] = Segment(last.start, one.end, wh, one.method)
        else:
            found.append(Segment(one.start, one.end, one.wh, one.method))
    return tuple(found)


def _mean(segments: Sequence[Segment]) -> Decimal | None:
    """The greatest mean power of a segment, where the car told none."""
    powers = [s.wh / 1000 / Decimal((s.end - s.start) / HOUR) for s in segments if s.wh]
    return round(max(powers), 1) if powers else None


def between(found: Sequence[Session], start: datetime, end: datetime) -> list[Session]:
    """Those that touch [start, end)."""
    return [s for s in found if s.start < end and (s.end is None or s.end >= start)]
