"""Which pass of the doubled autumn hour a row belongs to: 01:15, 01:30, 01:45, 02:00 end two quarters each.

On that day SMT prints 100 rows in order; START is the previous row's END, so the second pass begins
with `02:00,01:15`. What decides, strongest first:

1. the label itself: every END but those four is one slot; START 02:00 with END 01:15 is the second pass;
2. the chain: in a file in order, rows that follow each other (START = END before) fill following slots,
   so one certain row settles all rows that hang together with it, wherever a file was cut or joined;
3. the order in the file: the first of two is daylight, the second standard time;
4. START 01:00 with END 01:15 alone is the first pass, because SMT prints 02:00 in the second.

What is still open is ambiguous and refused; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

AMBIGUOUS = -1
_DOUBLED = range(5, 9)
_HOUR = 4


def resolve(starts: Sequence[int], ends: Sequence[int]) -> list[int]:
    """The slot 0..99 of each row of one 100-slot day of one series, AMBIGUOUS where open.

    `starts` and `ends` are quarters of the labels (START -1 where there is none), in file order.
    """
    n = len(ends)
    order = list(range(n))
    up = sum(_follows(starts, ends, i, i + 1) for i in range(n - 1))
    down = sum(_follows(starts, ends, i + 1, i) for i in range(n - 1))
    chained = 2 * max(up, down) >= n - 1 and n > 1
    if chained and down > up:
        order.reverse()
    slots = [_certain(starts[i], ends[i]) for i in range(n)]
    runs = _runs(starts, ends, order) if chained else []
    contested = {i for run in runs for i in _settle(run, starts, ends, slots)}
    for label in _DOUBLED:
        _by_order([i for i in order if ends[i] == label and i not in contested], label - 1, starts, slots)
        for run in runs:
            _settle([i for i in run if i not in contested], starts, ends, slots)
    return slots


def _candidates(start: int, end: int) -> tuple[int, ...]:
    if end not in _DOUBLED:
        return (end - 1 if end < _DOUBLED.start else end - 1 + _HOUR,)
    if start == 8 and end == 5:
        return (8,)
    return (end - 1, end - 1 + _HOUR)


def _certain(start: int, end: int) -> int:
    found = _candidates(start, end)
    return found[0] if len(found) == 1 else AMBIGUOUS


def _follows(starts: Sequence[int], ends: Sequence[int], a: int, b: int) -> bool:
    """Whether row b begins where row a ends; 01:00 also follows 02:00, where the clock was set back."""
    return starts[b] == ends[a] or (ends[a] == 8 and starts[b] == 4)


def _runs(starts: Sequence[int], ends: Sequence[int], order: list[int]) -> list[list[int]]:
    runs = [[order[0]]]
    for a, b in pairwise(order):
        if _follows(starts, ends, a, b):
            runs[-1].append(b)
        else:
            runs.append([b])
    return runs


def _settle(run: list[int], starts: Sequence[int], ends: Sequence[int], slots: list[int]) -> list[int]:
    """Count on from a run's certain rows, in both directions; returns the rows on which these disagree."""
    if all(slots[i] != AMBIGUOUS for i in run):
        return []
    ahead = _counted(run, 1, starts, ends, slots)
    back = _counted(run[::-1], -1, starts, ends, slots)
    contested = []
    for i in run:
        said = {ahead[i], back[i]} - {AMBIGUOUS}
        if slots[i] == AMBIGUOUS and len(said) == 1:
            slots[i] = said.pop()
        elif slots[i] == AMBIGUOUS and said:
            contested.append(i)
    return contested


def _counted(
    run: list[int], step: int, starts: Sequence[int], ends: Sequence[int], slots: list[int]
) -> dict[int, int]:
    """The slot of each row as counted from the last certain one, AMBIGUOUS where its label forbids that."""
    found, slot = {}, AMBIGUOUS
    for i in run:
        if slots[i] != AMBIGUOUS:
            slot = slots[i]
        elif slot != AMBIGUOUS:
            slot = slot + step if slot + step in _candidates(starts[i], ends[i]) else AMBIGUOUS
        found[i] = slot
    return found


def _by_order(rows: list[int], first: int, starts: Sequence[int], slots: list[int]) -> None:
    """Fill what the chain left open for one label: complete the pairs, then pair by order.

    `first` is the label's slot in the first pass.
    """
    waiting = [i for i in rows if slots[i] == AMBIGUOUS]
    placed = [slots[i] for i in rows if slots[i] != AMBIGUOUS]
    lead = placed.count(first) - placed.count(first + _HOUR)
    while waiting and lead:
        slots[waiting.pop(0)] = first if lead < 0 else first + _HOUR
        lead += 1 if lead < 0 else -1
    while len(waiting) >= 2:
        slots[waiting.pop(0)], slots[waiting.pop(0)] = first, first + _HOUR
    if waiting and starts[waiting[0]] == 4:
        slots[waiting[0]] = first
