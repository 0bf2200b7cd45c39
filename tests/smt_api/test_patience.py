"""Tries again with jitter, within bounds and on a budget; stops asking a vendor that keeps failing."""

from datetime import timedelta

import pytest

from tests.smt_api.conftest import Naps, SetClock
from wattledger.connectors.patience import Patience
from wattledger.errors import Refused, TryLater


class Failing:
    """Fails a number of times, then answers."""

    def __init__(self, times: int, after: timedelta | None = None) -> None:
        self.left, self.calls, self.after = times, 0, after

    async def __call__(self) -> str:
        self.calls += 1
        if self.left > 0:
            self.left -= 1
            raise TryLater("The vendor is down.", self.after)
        return "answer"


def patience(clock: SetClock, naps: Naps, share: float = 1.0) -> Patience:
    return Patience(clock=clock, sleep=naps, share=lambda: share)


async def test_pauses_double_under_full_jitter(clock: SetClock, naps: Naps) -> None:
    assert await patience(clock, naps).call(Failing(3)) == "answer"
    assert naps.taken == [1.0, 2.0, 4.0]


async def test_gives_up_after_its_tries(clock: SetClock, naps: Naps) -> None:
    work = Failing(9)
    with pytest.raises(TryLater):
        await patience(clock, naps).call(work)
    assert work.calls == 4


async def test_waits_at_least_as_long_as_the_vendor_wishes(clock: SetClock, naps: Naps) -> None:
    await patience(clock, naps, share=0.0).call(Failing(1, timedelta(seconds=30)))
    assert naps.taken == [30.0]


async def test_a_wish_for_more_than_a_minute_is_passed_on(clock: SetClock, naps: Naps) -> None:
    work = Failing(1, timedelta(minutes=10))
    with pytest.raises(TryLater) as caught:
        await patience(clock, naps).call(work)
    assert (work.calls, naps.taken) == (1, [])
    assert caught.value.after == timedelta(minutes=10)


async def test_other_errors_and_effects_are_not_repeated(clock: SetClock, naps: Naps) -> None:
    async def refuse() -> str:
        raise Refused("No.")

    with pytest.raises(Refused):
        await patience(clock, naps).call(refuse)
    work = Failing(1)
    with pytest.raises(TryLater):
        await patience(clock, naps).call(work, again=False)
    assert (work.calls, naps.taken) == (1, [])


async def test_in_the_long_run_a_tenth_more_calls_at_most(clock: SetClock, naps: Naps) -> None:
    one = patience(clock, naps)
    extra = 0
    for _ in range(200):
        work = Failing(1)
        try:
            await one.call(work)
        except TryLater:
            clock.forward(31)
            continue
        extra += work.calls - 1
    assert extra <= 200 * 0.1 + 3


async def test_the_circuit_opens_and_closes(clock: SetClock, naps: Naps) -> None:
    one = patience(clock, naps)
    work = Failing(100)
    for _ in range(5):
        with pytest.raises(TryLater):
            await one.call(work)
    asked = work.calls
    assert asked == 5
    work.left = 0
    clock.forward(31)
    assert await one.call(work) == "answer"
