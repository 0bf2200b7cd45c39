"""Blocks of many payloads as one block of each key, as if they were folded in one by one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wattledger.localday import MOST_SLOTS
from wattledger.merge import Blocks, Losers, merge
from wattledger.model import MISSING, NO_REVISION
from wattledger.store.ledger.blocks import Group, Keys, groups

CHUNK = 20_000
"""blocks merged at a time: bounds memory"""
Lost = tuple[Keys, Losers]


@dataclass(slots=True)
class Part:
    """What one payload says: each key once, by `usage_point.n`; `lost` is what lost within it."""

    keys: Keys
    blocks: Blocks
    lost: list[Lost]


@dataclass(slots=True)
class Joined:
    """Each key once. `alone` were said by one payload only, `met` by several."""

    alone: tuple[Keys, Blocks]
    met: list[tuple[Keys, Blocks]]
    lost: Lost | None

    def groups(self) -> Iterator[Group]:
        """The rows of `energy_day`."""
        for keys, blocks in (self.alone, *self.met):
            if len(keys):
                yield from groups(keys, blocks)

    def whole(self) -> tuple[Keys, Blocks]:
        """All blocks, each with its newest revision; who said what is left out."""
        parts = [(keys, _newest(blocks)) for keys, blocks in (self.alone, *self.met)]
        return _strung_keys([keys for keys, _ in parts]), _strung([blocks for _, blocks in parts])


def joined(parts: Sequence[Part]) -> Joined:
    """Merge the payloads of a ledger's part, given in the order in which they are numbered."""
    keys, blocks = _strung_keys([p.keys for p in parts]), _strung([p.blocks for p in parts])
    said = np.repeat(np.arange(len(parts)), [len(p.keys) for p in parts])
    order = np.lexsort((said, keys.flow, keys.point, keys.day))
    group = _groups(keys.take(order))
    sizes = np.bincount(group, minlength=int(group[-1]) + 1 if len(group) else 0)
    single = sizes[group] == 1
    losers = [(2 * n + 1, *lost) for n, part in enumerate(parts) for lost in part.lost]
    met = []
    for rows in _chunks(order[~single], group[~single]):
        its_keys, its_blocks = _rounds(keys, blocks, said, rows, losers)
        met.append((its_keys, its_blocks))
    alone = order[single]
    return Joined((keys.take(alone), blocks.take(alone)), met, _ordered(losers))


def _newest(blocks: Blocks) -> Blocks:
    known = blocks.values != MISSING
    spread = np.broadcast_to(blocks.revision, known.shape)
    newest = np.where(known, spread, NO_REVISION).max(axis=1, initial=NO_REVISION, keepdims=True)
    return Blocks(blocks.values, blocks.flags, newest, np.zeros_like(newest))


def _groups(keys: Keys) -> NDArray[np.intp]:
    """n: which key a row of sorted keys belongs to, counted from 0."""
    new = np.zeros(len(keys), bool)
    new[:1] = True
    for column in (keys.day, keys.point, keys.flow):
        new[1:] |= np.diff(column) != 0
    return np.cumsum(new) - 1


def _chunks(order: NDArray[np.intp], group: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Rows cut between keys, some thousand at a time."""
    start = 0
    while start < len(order):
        stop = min(start + CHUNK, len(order))
        while stop < len(order) and group[stop] == group[stop - 1]:
            stop += 1
        yield order[start:stop]
        start = stop


def _rounds(
    keys: Keys,
    blocks: Blocks,
    said: NDArray[np.intp],
    rows: NDArray[np.intp],
    losers: list[tuple[int, Keys, Losers]],
) -> tuple[Keys, Blocks]:
    """Merge the second, third, ... block of each key into its first; what lost is added to `losers`."""
    group = _groups(keys.take(rows))
    heads = np.searchsorted(group, np.arange(int(group[-1]) + 1))
    rank = np.arange(len(rows)) - heads[group]
    out_keys, out = keys.take(rows[heads]), blocks.take(rows[heads]).by_slot()
    for level in range(1, int(rank.max()) + 1):
        now = rank == level
        won, lost = merge(out.take(group[now]), blocks.take(rows[now]))
        out.put(group[now], won)
        for payload in np.unique(said[rows[now]][lost.block]) if len(lost) else ():
            mine = said[rows[now]][lost.block] == payload
            losers.append((2 * int(payload), out_keys.take(group[now]), _taken(lost, mine)))
    return out_keys, out


def _taken(losers: Losers, rows: NDArray[np.bool_]) -> Losers:
    return Losers(*(getattr(losers, f.name)[rows] for f in fields(losers)))


def _ordered(losers: list[tuple[int, Keys, Losers]]) -> Lost | None:
    """All that lost, as its payloads came: of equal ones the first is kept."""
    if not losers:
        return None
    losers = sorted(losers, key=lambda one: one[0])
    all_keys = _strung_keys([keys.take(lost.block) for _, keys, lost in losers])
    strung = Losers.concat([lost for _, _, lost in losers])
    strung.block = np.arange(len(strung))
    return all_keys, strung


def _strung_keys(parts: Sequence[Keys]) -> Keys:
    empty = Keys(np.zeros(0, np.int32), np.zeros(0, np.int16), np.zeros(0, np.int32), np.zeros(0, np.int32))
    return Keys(*(np.concatenate([getattr(p, f.name) for p in (empty, *parts)]) for f in fields(Keys)))


def _strung(parts: Sequence[Blocks]) -> Blocks:
    """Blocks under each other; revision and payload stay one a block where they are so in all parts."""
    if not parts:
        none = np.zeros((0, 1), np.int64)
        return Blocks(np.zeros((0, MOST_SLOTS), np.int32), np.zeros((0, MOST_SLOTS), np.uint8), none, none)
    if any(p.revision.shape[1] > 1 or p.payload.shape[1] > 1 for p in parts):
        parts = [p.by_slot() for p in parts]
    return Blocks(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Blocks)))
