"""Shuffled, split and repeated histories reach one ledger: hundreds of them on each engine.

Each usage point lives one history of the same set of readings; the files of a run hold a piece of every
history, so that hundreds of histories cost a dozen files.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import select
from tests.store.fake import block, file

from wattledger.faults import sabotage
from wattledger.model import Flow
from wattledger.store import Store
from wattledger.store.tables import energy_day

FILES, SLOTS = 8, 6
FALL, SPRING = 20030, 19792
Piece = tuple[int, int, int | None, list[int | None], list[int]]
"""flow, day, revision, Wh, flags"""


def readings(chance: random.Random) -> list[Piece]:
    """A set of deliveries that contradict each other in every way."""
    out = []
    for flow in Flow:
        for day in (FALL, SPRING):
            for revision in (None, 100, 100, 200):
                wh = [chance.choice([None, 0, 1, 2]) for _ in range(SLOTS)]
                out.append((int(flow), day, revision, wh, [chance.choice([0, 0, 1]) for _ in wh]))
    return out


def history(pieces: list[Piece], chance: random.Random) -> list[list[Piece]]:
    """The pieces split, some repeated, shuffled, and dealt to the files."""
    cut = [part for piece in pieces for part in _split(piece, chance)]
    cut += chance.choices(cut, k=len(cut) // 3)
    chance.shuffle(cut)
    dealt: list[list[Piece]] = [[] for _ in range(FILES)]
    for piece in cut:
        dealt[chance.randrange(FILES)].append(piece)
    return dealt


def _split(piece: Piece, chance: random.Random) -> list[Piece]:
    flow, day, revision, wh, flags = piece
    if chance.random() < 0.5:
        return [piece]
    first = [chance.random() < 0.5 for _ in wh]
    parts = []
    for side in (True, False):
        kept = [w if mine is side else None for w, mine in zip(wh, first, strict=True)]
        parts.append((flow, day, revision, kept, flags))
    return parts


async def live(store: Store, site: str, count: int, seed: int) -> set[tuple[Any, ...]]:
    """Let `count` usage points live a history each. Returns the different ledgers that were reached."""
    chance = random.Random(seed)
    pieces = readings(chance)
    names = [f"{n:017d}" for n in range(count)]
    histories = [history(pieces, chance) for _ in names]
    for k in range(FILES):
        blocks = [
            block(day, wh, p=p, flow=flow, rev=revision, fl=flags)
            for p in range(count)
            for flow, day, revision, wh, flags in histories[p][k]
        ]
        receipt = await store.payloads.deliver(site, file(*blocks, points=names, name=f"{k}.json"))
        s = receipt.summary
        assert s.rows == s.accepted + s.superseded + s.blank + s.rejected
    return await _ledgers(store)


async def _ledgers(store: Store) -> set[tuple[Any, ...]]:
    table = energy_day
    query = select(
        table.c.usage_point, table.c.flow, table.c.day, table.c["values"], table.c.flags, table.c.total_wh
    ).order_by(table.c.usage_point, table.c.flow, table.c.day)
    ledgers: dict[int, list[Any]] = {}
    async with store.connect() as connection:
        for row in await connection.execute(query):
            ledgers.setdefault(row[0], []).append(tuple(row[1:]))
    return {tuple(days) for days in ledgers.values()}


async def test_hundreds_of_histories_reach_one_ledger(store: Store, site: str) -> None:
    assert len(await live(store, site, 250, seed=1)) == 1
    before = await store.digest()
    assert (await store.replay()).digest == before


@pytest.mark.soak
async def test_ten_thousand_histories(store: Store, site: str) -> None:
    assert len(await live(store, site, 10_000, seed=2)) == 1


async def test_sabotage_merge_order_is_noticed(store: Store, site: str) -> None:
    with sabotage("merge_order"):
        assert len(await live(store, site, 20, seed=1)) > 1
