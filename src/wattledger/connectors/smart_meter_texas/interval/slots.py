"""Rows -> blocks: which of the day's 92, 96 or 100 slots each row fills, and which rows repeat a pass.

Rows group by (ESIID, flow, day, REVISION_DATE). The END label decides the slot; the days on which the
clock moves have their own rules. A slot that a group fills more than once begins a further block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattledger import localday
from wattledger.connectors.smart_meter_texas.interval import doubled
from wattledger.connectors.smart_meter_texas.interval.intake import (
    BLANK,
    FIRST_REFUSAL,
    READING,
    Intake,
    Rows,
)
from wattledger.connectors.smart_meter_texas.interval.labels import ZONE
from wattledger.errors import BadPayload
from wattledger.faults import sabotaged
from wattledger.localday import MOST_SLOTS
from wattledger.model import EnergyDays

MOST_BLOCKS = 500_000
"""More days than any 256 MiB file of real readings holds; keeps hostile files out of memory."""

_ROWS_AT_ONCE = 200_000
"""rows of one day stay together; more are placed a share of the days at a time, to bound memory"""

_IMPOSSIBLE = "the time does not exist on the day on which the clock is set forward"
_AMBIGUOUS = "the hour occurs twice on this day and nothing in the file says which of the two is meant"
_SPAN = "the row does not cover a quarter-hour"

Ints = NDArray[np.int64]


def place(intake: Intake) -> None:
    """Turn the gathered rows into blocks, counts and refusals of the same intake."""
    parts, intake.rows = intake.rows, []
    buckets = sum(map(len, parts)) // _ROWS_AT_ONCE + 1
    for bucket in range(buckets):
        mine = parts if buckets == 1 else [part.where(part.day % buckets == bucket) for part in parts]
        if any(map(len, mine)):
            _place(Rows.concat(mine), intake)


def _place(rows: Rows, intake: Intake) -> None:
    group, keys = _groups(rows)
    counts = localday.slot_counts(rows.day[keys], ZONE)
    slot = _slots(rows, group, counts[group])
    _refuse_unplaced(rows, slot, intake)
    intake.blank += int(np.count_nonzero(rows.state == BLANK))
    refused = rows.state >= FIRST_REFUSAL
    intake.refusals.add_coded(rows.state[refused] - FIRST_REFUSAL, rows.line[refused])
    good = np.flatnonzero(rows.state == READING)
    named = (rows.point[keys], rows.flow[keys], rows.day[keys], rows.revision[keys])
    room = MOST_BLOCKS - sum(map(len, intake.blocks))
    wh, flag, line = rows.wh[good], rows.flag[good], rows.line[good]
    intake.blocks.append(fill(named, group[good], slot[good], wh, flag, line, room))


def fill(
    keys: tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.int32], NDArray[np.int64]],
    group: Ints,
    slot: Ints,
    wh: NDArray[np.int32],
    flag: NDArray[np.uint8],
    line: Ints,
    room: int | None = None,
) -> EnergyDays:
    """Blocks of readings whose slot is known; `keys` are point, flow, day and revision by group.

    `line` ascends: where each reading stands.
    A slot's second, third... reading goes to a further block of the same keys, in file order.
    """
    turn = _turns(group * MOST_SLOTS + slot)
    wanted, first, block = np.unique(turn * len(keys[0]) + group, return_index=True, return_inverse=True)
    if len(wanted) > (MOST_BLOCKS if room is None else room):
        raise _scattered()
    days = EnergyDays.empty(len(wanted))
    of = wanted % max(len(keys[0]), 1)
    days.point, days.flow, days.day, days.revision = (key[of] for key in keys)
    days.line[:] = line[first]
    days.values[block, slot] = wh
    days.flags[block, slot] = flag
    return days


def _scattered() -> BadPayload:
    return BadPayload(
        f"The file holds more than {MOST_BLOCKS:,} separate days, so it cannot be meter data as Smart Meter "
        "Texas exports it. Split it into smaller files if it is.",
        "too_scattered",
    )


def _turns(cell: Ints) -> Ints:
    """How often each cell has occurred before, in order; all 0 without repeats."""
    turn = np.zeros(len(cell), np.int64)
    if len(cell) == 0 or sabotaged("repeated_passes"):
        return turn
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[begins, len(cell)])
    turn[order] = np.arange(len(cell)) - np.repeat(begins, lengths)
    return turn


def _groups(rows: Rows) -> tuple[Ints, Ints]:
    """The group of each row, and one row of each group (where its keys stand)."""
    same = np.ones(len(rows) - 1, bool)
    for key in (rows.point, rows.flow, rows.day, rows.revision):
        same &= key[1:] == key[:-1]
    begins = np.flatnonzero(np.r_[True, ~same])
    lengths = np.diff(np.r_[begins, len(rows)])
    packed = rows.point[begins].astype(np.int64) * 32 + rows.flow[begins]
    for key in (rows.day[begins], rows.revision[begins]):
        distinct, code = np.unique(key, return_inverse=True)
        packed = packed * len(distinct) + code
    _, at, run_group = np.unique(packed, return_index=True, return_inverse=True)
    return np.repeat(run_group, lengths), begins[at]


def _slots(rows: Rows, group: Ints, length: NDArray[np.int32]) -> Ints:
    """The slot of each row, or the negative code of what is wrong with it."""
    slot = rows.end.astype(np.int64) - 1
    known = rows.start >= 0
    slot[known & (rows.end - rows.start != 1)] = -3
    spring = np.flatnonzero(length == 92)
    if len(spring):
        slot[spring] = _spring(rows.start[spring], rows.end[spring], slot[spring])
    autumn = np.flatnonzero(length == MOST_SLOTS)
    if len(autumn):
        slot[autumn] = _autumn(rows.start[autumn], rows.end[autumn], group[autumn], slot[autumn])
    return slot


def _spring(start: NDArray[np.int16], end: NDArray[np.int16], slot: Ints) -> Ints:
    """02:00 to 03:00 does not exist; a generator that prints the wall clock ends slot 7 at 03:00."""
    moved = np.where(slot >= 12, slot - 4, np.where((slot >= 8) & (slot < 12), -1, slot))
    return np.where((start == 7) & (end == 12), 7, moved)


def _autumn(start: NDArray[np.int16], end: NDArray[np.int16], group: Ints, slot: Ints) -> Ints:
    """01:00 to 02:00 exists twice: settled group by group (`doubled`)."""
    found = np.where(slot >= 4, slot + 4, slot)
    if sabotaged("doubled_hour"):
        return np.where((start == 8) & (end == 5), 4, np.where(end <= 8, slot, found))
    order = np.argsort(group, kind="stable")
    edges = np.flatnonzero(np.diff(group[order])) + 1
    for rows in np.split(order, edges):
        usable = rows[(slot[rows] != -3) | ((start[rows] == 8) & (end[rows] == 5))]
        if len(usable):
            found[usable] = _resolve(start[usable], end[usable])
    return found


def _resolve(start: NDArray[np.int16], end: NDArray[np.int16]) -> Ints:
    """`doubled.resolve`, at once for the whole ordered day that nearly every file holds."""
    if len(end) == MOST_SLOTS and (start == _WHOLE_STARTS).all() and (end == _WHOLE_ENDS).all():
        return np.arange(MOST_SLOTS)
    slots = np.array(doubled.resolve(start.tolist(), end.tolist()), np.int64)
    slots[slots == doubled.AMBIGUOUS] = -2
    return slots


_WHOLE_ENDS = np.r_[1:9, 5:97].astype(np.int16)
_WHOLE_STARTS = np.r_[0, _WHOLE_ENDS[:-1]].astype(np.int16)


def _refuse_unplaced(rows: Rows, slot: Ints, intake: Intake) -> None:
    """Readings without a slot are refused; blanks without one stay blanks."""
    unplaced = (slot < 0) & (rows.state == READING)
    if not unplaced.any():
        return
    for negative, reason in ((-1, _IMPOSSIBLE), (-2, _AMBIGUOUS), (-3, _SPAN)):
        at = unplaced & (slot == negative)
        if at.any():
            rows.state[at] = FIRST_REFUSAL + intake.refusals.code(reason)
