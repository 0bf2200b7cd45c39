"""A million histories that contradict each other, shuffled, split and repeated, reach the same ledger."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import numpy as np
import pytest
from tests.merge.made import deliveries, joined, shuffled
from tests.turns import minutes

from wattledger.faults import sabotage

BATCH, SEED, WANTED = 10_000, 3, 1_000_000


def wrong(batch: int, number: int) -> int:
    """How many of a batch's histories end otherwise when they are told in another way."""
    chance = np.random.default_rng([SEED, number])
    told = deliveries(chance, batch)
    return int(np.count_nonzero((joined(told) != joined(shuffled(told, chance))).any(axis=1)))


def test_twenty_thousand_histories() -> None:
    assert wrong(BATCH, 0) == wrong(BATCH, 1) == 0


def test_sabotage_merge_order_is_noticed_in_histories() -> None:
    with sabotage("merge_order"):
        assert wrong(100, 0) > 0


@pytest.mark.soak
def test_a_million_histories(record_property: Callable[[str, object], None]) -> None:
    until, done = monotonic() + 60 * minutes(), 0
    while done < WANTED and monotonic() < until:
        assert wrong(BATCH, done // BATCH) == 0, f"seed {SEED}, batch {done // BATCH}"
        done += BATCH
    record_property("histories", done)
    record_property("seed", SEED)
