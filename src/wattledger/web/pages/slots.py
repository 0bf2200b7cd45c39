"""The quarter-hours of a period as two arrays: watt-hours, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wattledger import localday
from wattledger.model import MISSING, Flag
from wattledger.store.rows import DayBlock
from wattledger.web.pages.period import Period


class State(IntEnum):
    """What a page says of one quarter-hour."""

    NONE = 0
    """before the first reading or after the newest: nothing is expected yet"""
    ACTUAL = 1
    ESTIMATED = 2
    MISSING = 3


GUESSED = int(Flag.ESTIMATED | Flag.DERIVED)


@dataclass(frozen=True, slots=True)
class Slots:
    """All quarter-hours of a period, in time. `offsets[i]` is where its i-th local day begins."""

    wh: NDArray[np.int64]
    """0 where nothing is known"""
    state: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    conflicts: int

    def wh_of(self, state: State) -> int:
        """Energy of all quarter-hours in that state, Wh."""
        return int(self.wh[self.state == state].sum())

    def count(self, state: State) -> int:
        """How many quarter-hours are in that state."""
        return int((self.state == state).sum())

    def part(self, first: int, last: int) -> Slots:
        """The quarter-hours of the period's days `first` up to but without `last`."""
        begin = int(self.offsets[first])
        stop = int(self.offsets[last])
        return Slots(self.wh[begin:stop], self.state[begin:stop], self.offsets[first : last + 1] - begin, 0)


def gather(
    period: Period,
    tz: str,
    blocks: Sequence[DayBlock],
    known: tuple[int, int] | None,
    *,
    running: bool = False,
) -> Slots:
    """Lay stored day blocks out along a period. `known`: first and last day number with any reading.

    Those two are whole days of a meter; `running` says that readings begin and end within them.
    """
    first = localday.number(period.start)
    counts = np.array([localday.slots(first + i, tz) for i in range(len(period.days))])
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    wh = np.zeros(offsets[-1], np.int64)
    state = np.full(offsets[-1], State.NONE, np.uint8)
    if known is not None:
        low, high = (min(max(n - first, 0), len(counts)) for n in (known[0], known[1] + 1))
        state[offsets[low] : offsets[high]] = State.MISSING
    if not blocks:
        return Slots(wh, state, offsets, 0)
    present = np.zeros(len(counts), bool)
    present[[block.day - first for block in blocks]] = True
    here = np.repeat(present, counts)
    values = np.concatenate([block.values for block in blocks])
    flags = np.concatenate([block.flags for block in blocks])
    guessed = (flags & GUESSED) != 0
    found = values != MISSING
    wh[here] = np.where(found, values, 0)
    state[here] = np.where(found, np.where(guessed, State.ESTIMATED, State.ACTUAL), State.MISSING)
    if running and known is not None:
        _open_ends(state, offsets, known[0] - first, known[1] - first)
    return Slots(wh, state, offsets, int(((flags & Flag.CONFLICT) != 0).sum()))


def _open_ends(state: NDArray[np.uint8], offsets: NDArray[np.int64], first: int, last: int) -> None:
    """Nothing is expected before the first reading of the first day, and after the newest of the last."""
    days = len(offsets) - 1
    for day, ahead in ((first, True), (last, False)):
        if 0 <= day < days:
            part = state[offsets[day] : offsets[day + 1]]
            read = np.flatnonzero(part != State.MISSING)
            if len(read):
                part[slice(0, read[0]) if ahead else slice(read[-1] + 1, None)] = State.NONE


def edges(slots: Slots, period: Period, bars: int) -> NDArray[np.int64]:
    """Where each bar of the period's chart begins among its quarter-hours (bars + 1 numbers)."""
    total = int(slots.offsets[-1])
    if period.step in {"interval", "hour"}:
        return np.linspace(0, total, bars + 1).astype(np.int64)
    if period.step == "day":
        return slots.offsets
    starts = [i for i, day in enumerate(period.days) if day.day == 1]
    return slots.offsets[[*starts, len(period.days)]]


def runs(slots: Slots, cuts: NDArray[np.int64]) -> Iterator[tuple[float, float, State]]:
    """Stretches of one state along the chart's axis, as shares of its width, where bars are equally wide."""
    changes = np.flatnonzero(np.diff(slots.state)) + 1
    places = np.interp(np.concatenate([[0], changes, [len(slots.state)]]), cuts, np.linspace(0, 1, len(cuts)))
    firsts = np.concatenate([[0], changes]).astype(np.int64)
    for (left, right), first in zip(pairwise(places), firsts, strict=True):
        yield float(left), float(right), State(int(slots.state[first]))
