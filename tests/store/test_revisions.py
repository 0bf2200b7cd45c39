"""Values that lost, with the one that holds: all of a range at once, as they would be one by one."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wattledger import localday
from wattledger.model import MISSING, NO_REVISION
from wattledger.store.ledger.revisions import revisions
from wattledger.store.rows import DayBlock, Quality, Said

CHICAGO = "America/Chicago"
FIRST = 20029
"""the day before the clocks are set back"""
NAMES: tuple[Quality, ...] = ("actual", "estimated", "derived", "estimated")

lost_rows = st.lists(
    st.tuples(
        st.integers(FIRST, FIRST + 4),
        st.integers(0, 91),
        st.integers(0, 9000),
        st.integers(0, 3),
        st.sampled_from([NO_REVISION, 1_700_000_000, 1_730_000_000]),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=30,
).map(sorted)
stored_days = st.sets(st.integers(FIRST, FIRST + 4)).map(sorted)


def block(day: int, by_slot: bool) -> DayBlock:
    chance = np.random.default_rng(day)
    n = localday.slots(day, CHICAGO)
    values = np.where(chance.random(n) < 0.2, MISSING, chance.integers(0, 99, n)).astype(np.int32)
    flags = chance.integers(0, 8, n).astype(np.uint8)
    revision = chance.integers(1, 2**31, n) if by_slot else NO_REVISION
    payload = chance.integers(1, 9, n) if by_slot else 3
    return DayBlock(day, CHICAGO, values, flags, revision, payload, 0, 0, 0)


def said(wh: int, flags: int, revision: int, payload: int) -> Said:
    when = None if revision == NO_REVISION else datetime.fromtimestamp(revision, UTC)
    return Said(wh, NAMES[flags & 3], when, payload)


def held(found: DayBlock | None, slot: int) -> Said | None:
    if found is None or found.values[slot] == MISSING:
        return None
    revision, payload = (
        column if isinstance(column, int) else int(column[slot]) for column in (found.revision, found.payload)
    )
    return said(int(found.values[slot]), int(found.flags[slot]), revision, payload)


@settings(deadline=None, max_examples=60)
@given(lost_rows, stored_days, st.booleans())
def test_every_loser_stands_beside_its_winner(
    lost: list[tuple[int, ...]], days: list[int], by_slot: bool
) -> None:
    blocks = {day: block(day, by_slot) for day in days}
    found = revisions(lost, list(blocks.values()), CHICAGO)
    assert len(found) == len(lost)
    for row, one in zip(lost, found, strict=True):
        day, slot, *rest = row
        assert one.start == localday.instant(day, slot, CHICAGO)
        assert one.losing == said(*rest)
        assert one.winning == held(blocks.get(day), slot)
