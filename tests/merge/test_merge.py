"""The merge is a join: commutative, associative, idempotent; and it is the rule, slot by slot."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattledger.faults import sabotage
from wattledger.merge import Blocks, agree, differ, merge
from wattledger.model import MISSING, NO_REVISION, Flag

SLOTS = 4
Said = tuple[int, int, int, int] | None
"""revision, quality flags, Wh, payload; None: nothing known"""

_said = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from([NO_REVISION, -5, 0, 7, 2**40]),
        st.sampled_from([0, 1, 2, 3]),
        st.sampled_from([-3, 0, 1, 2, 2**31 - 1]),
        st.integers(1, 4),
    ),
)
rows = st.lists(_said, min_size=SLOTS, max_size=SLOTS)


def blocks(said: Iterable[Said]) -> Blocks:
    """One block of four slots."""
    cells = [s or (NO_REVISION, 0, MISSING, 0) for s in said]
    revision, flags, wh, payload = (list(column) for column in zip(*cells, strict=True))
    return Blocks(
        np.array([wh], np.int32),
        np.array([flags], np.uint8),
        np.array([revision], np.int64),
        np.array([payload], np.int64),
    )


def same(a: Blocks, b: Blocks) -> bool:
    return not differ(a, b).any()


def join(*parts: Blocks) -> Blocks:
    return reduce(lambda a, b: merge(a, b)[0], parts)


@given(rows, rows)
def test_commutative(a: list[Said], b: list[Said]) -> None:
    assert same(join(blocks(a), blocks(b)), join(blocks(b), blocks(a)))


@given(rows, rows, rows)
def test_associative(a: list[Said], b: list[Said], c: list[Said]) -> None:
    x, y, z = blocks(a), blocks(b), blocks(c)
    assert same(join(join(x, y), z), join(x, join(y, z)))


@given(rows, rows)
def test_idempotent(a: list[Said], b: list[Said]) -> None:
    both = join(blocks(a), blocks(b))
    assert same(join(both, blocks(a)), both)
    assert same(join(both, both), both)


@given(st.lists(rows, min_size=1, max_size=6))
def test_agrees_with_the_rule(history: list[list[Said]]) -> None:
    won = join(*(blocks(said) for said in history))
    for slot in range(SLOTS):
        expected = _rule([said[slot] for said in history])
        got = (won.revision[0, slot], won.flags[0, slot], won.values[0, slot], won.payload[0, slot])
        assert got == expected


QUALITY = {0: 3, 2: 2, 1: 1, 3: 0}


def _rule(said: list[Said]) -> tuple[int, int, int, int]:
    """The rule as one reads it, without arrays."""
    known = [s for s in said if s]
    if not known:
        return NO_REVISION, 0, MISSING, 0
    revision, quality, wh = max(map(_worth, known))
    rivals = [s for s in known if _worth(s)[:2] == (revision, quality)]
    conflict = Flag.CONFLICT if len({s[2] for s in rivals}) > 1 else 0
    return revision, rivals[0][1] | conflict, wh, min(s[3] for s in rivals if s[2] == wh)


def _worth(said: tuple[int, int, int, int]) -> tuple[int, int, int]:
    revision, flags, wh, _ = said
    return revision, QUALITY[flags], wh


@given(rows, rows)
def test_what_lost_is_kept_whole_and_nothing_else_is(a: list[Said], b: list[Said]) -> None:
    lost = merge(blocks(a), blocks(b))[1]
    columns = (lost.block, lost.slot, lost.revision, lost.flags, lost.wh, lost.payload)
    wanted = [
        (0, slot, *min(x, y, key=_worth))
        for slot, (x, y) in enumerate(zip(a, b, strict=True))
        if x and y and x[1:3] != y[1:3]
    ]
    assert list(zip(*columns, strict=True)) == wanted


@given(rows, rows)
def test_uniform_and_by_slot_forms_mean_the_same(a: list[Said], b: list[Said]) -> None:
    x, y = blocks(a), blocks([s and (7, s[1], s[2], 1) for s in b])
    uniform = Blocks(y.values, y.flags, np.array([[7]]), np.array([[1]]))
    assert same(merge(x, y)[0], merge(x, uniform)[0])
    assert same(y, uniform.by_slot())


@pytest.mark.parametrize("name", ["values", "flags", "revision", "payload"])
def test_one_slot_of_any_column_makes_a_row_differ(name: str) -> None:
    a, b = (blocks([(1, 0, 5, 1)] * SLOTS).take(np.array([0, 0])) for _ in "ab")
    getattr(b, name)[1, 2] += 1
    assert differ(a, b).tolist() == [False, True]


def test_agreement_needs_a_value() -> None:
    a, b = (
        blocks([(1, 0, 5, 1), None, (1, 1, 5, 1), (2, 0, 5, 2)]),
        blocks([(2, 0, 5, 2), None, (1, 0, 5, 1), None]),
    )
    assert agree(a, b).tolist() == [[True, False, False, False]]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_shuffled_histories_reach_one_state(seed: int) -> None:
    assert _states(seed) == 1


def test_sabotage_merge_order_is_noticed() -> None:
    with sabotage("merge_order"):
        assert any(_states(seed) > 1 for seed in range(5))


def _states(seed: int) -> int:
    """How many different states twenty shufflings of one history reach."""
    chance = random.Random(seed)
    history = [_random(chance) for _ in range(12)]
    reached = set()
    for _ in range(20):
        won = _grouped([*history, history[0]], chance)
        reached.add(
            (won.values.tobytes(), won.flags.tobytes(), won.revision.tobytes(), won.payload.tobytes())
        )
    return len(reached)


def _grouped(parts: list[Blocks], chance: random.Random) -> Blocks:
    """Any two joined, again and again: either side may be the one that knows of a conflict."""
    while len(parts) > 1:
        a, b = (parts.pop(chance.randrange(len(parts))) for _ in "ab")
        parts.append(join(a, b))
    return parts[0]


def _random(chance: random.Random) -> Blocks:
    return blocks(
        None
        if chance.random() < 0.2
        else (chance.randrange(3), chance.randrange(4), chance.randrange(3), chance.randrange(1, 5))
        for _ in range(SLOTS)
    )
