"""Look-ups of the same moment share a statement, and each has its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from wattledger.errors import TryLater
from wattledger.store.together import MOST, Together


class Work:
    """Finds all but what begins with `no`; fails on `bad`."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def __call__(self, keys: Sequence[str]) -> dict[str, str]:
        self.asked.append(list(keys))
        await asyncio.sleep(0.01)
        if "bad" in keys:
            raise TryLater("The database does not answer.")
        return {key: key.upper() for key in keys if not key.startswith("no")}


async def test_what_is_asked_at_once_is_looked_up_once() -> None:
    work = Work()
    ask = Together(work)
    found = await asyncio.gather(*(ask.find(key) for key in ("a", "b", "a", "no")))
    assert (found, work.asked) == (["A", "B", "A", None], [["a", "b", "no"]])
    assert await ask.find("a") == "A" and len(work.asked) == 2  # nothing is remembered


async def test_a_question_during_a_look_up_waits_for_the_next() -> None:
    work = Work()
    ask = Together(work)
    first = asyncio.create_task(ask.find("a"))
    await asyncio.sleep(0.005)
    assert await ask.find("a") == "A" and await first == "A"
    assert work.asked == [["a"], ["a"]]


async def test_a_fault_is_everybodys_and_passes() -> None:
    ask = Together(Work())
    for answer in await asyncio.gather(ask.find("a"), ask.find("bad"), return_exceptions=True):
        assert isinstance(answer, TryLater)
    assert await ask.find("a") == "A"


async def test_one_that_went_away_holds_up_nobody() -> None:
    ask = Together(Work())
    gone = asyncio.create_task(ask.find("a"))
    other = asyncio.create_task(ask.find("b"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await other == "B"
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_many_keys_are_asked_for_in_parts() -> None:
    work = Work()
    ask = Together(work)
    found = await asyncio.gather(*(ask.find(f"{n}") for n in range(MOST + 1)))
    assert found[-1] == f"{MOST}" and [len(keys) for keys in work.asked] == [MOST, 1]
