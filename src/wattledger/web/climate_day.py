"""The last day of a unit: its room against what was asked for, what it did, and how long it ran.

What a device said holds until it says something else, for an hour at most after the last word of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from wattledger.store import Store
from wattledger.store.observed.observations import ObservationRow
from wattledger.web.climate import Unit

MOST = 20_000
LONGEST_SILENCE = timedelta(hours=1)
DOING = ("switch", "mode", "fan_mode")
NAMES = (*DOING, "temperature_c", "setpoint_c")
OFF = "off"
STANDING_BY = "standing by"
"""a measured unit that takes less than RUNNING_W"""
RUNNING_W = 20.0

Changes = Sequence[tuple[datetime, Any]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A value that held from `start` to `end`."""

    start: datetime
    end: datetime
    value: Any


@dataclass(frozen=True, slots=True)
class Recent:
    """What is known of [start, end): `room` by reading; `asked` degrees, and `did` words, by piece."""

    start: datetime
    end: datetime
    room: Sequence[tuple[datetime, float]]
    asked: Sequence[Piece]
    did: Sequence[Piece]

    def ran(self, since: datetime) -> timedelta | None:
        """How long it ran since an instant of the span, None where nothing says so."""
        if not self.did:
            return None
        told = [p for p in self.did if p.end > since and runs(p.value)]
        return sum((p.end - max(p.start, since) for p in told), timedelta())


def runs(word: str) -> bool:
    """Whether a unit that did this ran."""
    return word not in (OFF, STANDING_BY)


async def recent(store: Store, unit: Unit, start: datetime, now: datetime) -> Recent:
    """The span from `start` to `now`."""
    rows = await store.observations.list(unit.point, start, now, MOST)
    wanted = [name for name, said in unit.said.items() if said.at >= start]
    before = dict(await store.observations.before(unit.point, start, wanted))
    before |= {name: said for name, said in unit.said.items() if said.at < start}
    held = {name: (start, said.value) for name, said in before.items()}
    changes = {name: _changes(held.get(name), rows, name) for name in (*NAMES, "power_w")}
    end = _until(unit, now)
    room = [(at, float(value)) for at, value in changes["temperature_c"] if at <= end]
    if room:
        room.append((end, room[-1][1]))
    asked = [p for p in pieces(changes["setpoint_c"], end) if isinstance(p.value, int | float)]
    return Recent(start, now, room, asked, _did(changes, end))


def _until(unit: Unit, now: datetime) -> datetime:
    """How far what was said last may hold."""
    if unit.newest is None:
        return now
    return min(now, unit.offline or unit.newest + LONGEST_SILENCE)


def _changes(held: tuple[datetime, Any] | None, rows: Iterable[ObservationRow], name: str) -> Changes:
    told = [(row.at, row.values[name]) for row in rows if row.values.get(name) is not None]
    return [held, *told] if held and held[1] is not None else told


def pieces(changes: Changes, end: datetime) -> list[Piece]:
    """Changes as pieces up to `end`; neighbours of one value are one."""
    found: list[Piece] = []
    for (start, value), (after, _) in pairwise([*changes, (end, None)]):
        until = min(after, end)
        if start >= until:
            continue
        if found and found[-1].value == value and found[-1].end == start:
            found[-1] = Piece(found[-1].start, until, value)
        else:
            found.append(Piece(start, until, value))
    return found


def _did(changes: Mapping[str, Changes], end: datetime) -> list[Piece]:
    """`cool, fan auto` or `off` of an air conditioner; of others what their power says, where they say it."""
    if changes["mode"]:
        return pieces(_together(changes), end)
    power = [(at, "running" if float(w) >= RUNNING_W else STANDING_BY) for at, w in changes["power_w"]]
    return pieces(power, end)


def _together(changes: Mapping[str, Changes]) -> list[tuple[datetime, str]]:
    """Switch, mode and fan in the order of their instants, as what the unit did from then on."""
    told = sorted((at, n, str(value)) for n, name in enumerate(DOING) for at, value in changes[name])
    now: dict[str, str] = {}
    found: list[tuple[datetime, str]] = []
    for at, n, value in told:
        now[DOING[n]] = value
        if found and found[-1][0] == at:
            found.pop()
        if OFF in (now.get("switch"), now.get("mode")):
            found.append((at, OFF))
        elif "mode" in now:
            found.append((at, f"{now['mode']}, fan {now['fan_mode']}" if "fan_mode" in now else now["mode"]))
    return found
