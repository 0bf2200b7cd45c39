"""Does the time that something takes tell two kinds of input apart? Welch's t over interleaved samples.

Kinds are drawn at random for each sample. Inputs are made ahead, many at a time, so that what runs between
two samples is the same whatever their kinds. The slowest tenth of all samples goes: what the machine does
beside is the same for both. Noise alone passes |t| = 4.5 once in 150,000 series; where one does, the median
of three counts. A series ends early where the minutes that it was given are over.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import NamedTuple, TypeVar

import numpy as np

from tests.turns import turns

T = TypeVar("T")
Pair = tuple[Callable[[], T], Callable[[], T]]
LIMIT = 4.5
AHEAD = 5000
KEPT = 0.9


class Series(NamedTuple):
    """What one series of samples found."""

    t: float
    samples: int


def welch(kinds: np.ndarray, took: np.ndarray) -> float:
    """t of the two kinds (0 and 1), without the slowest tenth of all."""
    kept = took <= np.quantile(took, KEPT)
    one, other = took[kept & (kinds == 0)], took[kept & (kinds == 1)]
    error = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    return float((one.mean() - other.mean()) / error) if error else 0.0


def compared(make: Pair[T], act: Callable[[T], object], count: int, seed: int) -> Series:
    """Up to `count` calls of `act` with inputs of both kinds."""
    kinds, took = np.random.default_rng(seed).integers(0, 2, count), list[int]()
    gc.disable()
    try:
        _timed(act, [make[n % 2]() for n in range(AHEAD)])  # warms up
        for _ in turns(-(-count // AHEAD)):
            some = kinds[len(took) : len(took) + AHEAD]
            took += _timed(act, [make[kind]() for kind in some.tolist()])
            gc.collect()
    finally:
        gc.enable()
    return Series(welch(kinds[: len(took)], np.array(took)), len(took))


def _timed(act: Callable[[T], object], given: list[T]) -> list[int]:
    took = []
    for one in given:
        begun = perf_counter_ns()
        act(one)
        took.append(perf_counter_ns() - begun)
    return took


async def compared_later(
    act: Callable[[int, int], Awaitable[int]], count: int, seed: int, warm: int = 20
) -> Series:
    """Up to `count` awaited calls: `act(kind, n)` answers how many nanoseconds it took."""
    chance = random.Random(seed)
    for n in range(warm):
        await act(n % 2, n)
    kinds = np.array([chance.randrange(2) for _ in range(count)])
    took = [await act(int(kinds[n - 1]), warm + n) for n in turns(count)]
    return Series(welch(kinds[: len(took)], np.array(took)), len(took))


async def judged(series: Callable[[int], Awaitable[Series]]) -> list[Series]:
    """One series, or three where the first is above the limit."""
    found = [await series(0)]
    if abs(found[0].t) >= LIMIT:
        found += [await series(seed) for seed in (1, 2)]
    return found
