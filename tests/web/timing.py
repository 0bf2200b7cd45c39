"""Does the time that something takes tell two kinds of input apart? Welch's t over interleaved samples.

Kinds are drawn at random for each sample, inputs are made anew each time (their place in memory is no
secret), and the slowest tenth of all samples goes: what the machine does beside is the same for both kinds.
Noise alone passes |t| = 4.5 once in 150,000 series; a series above it is repeated, and a leak is what stays.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Pair = tuple[Callable[[], T], Callable[[], T]]
LIMIT = 4.5
SERIES = 3
KEPT = 0.9


def welch(kinds: np.ndarray, took: np.ndarray) -> float:
    """t of the two kinds (0 and 1), without the slowest tenth of all."""
    kept = took <= np.quantile(took, KEPT)
    one, other = took[kept & (kinds == 0)], took[kept & (kinds == 1)]
    error = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    return float((one.mean() - other.mean()) / error) if error else 0.0


def compared(make: Pair[T], act: Callable[[T], object], count: int, seed: int) -> float:
    """t of `count` calls of `act` with inputs of both kinds."""
    kinds = np.random.default_rng(seed).integers(0, 2, count)
    took = np.empty(count, np.int64)
    gc.disable()
    try:
        for n, kind in enumerate(kinds.tolist()):
            given = make[kind]()
            begun = perf_counter_ns()
            act(given)
            took[n] = perf_counter_ns() - begun
            if n % 10_000 == 0:
                gc.collect(0)
    finally:
        gc.enable()
    return welch(kinds, took)


async def compared_later(
    act: Callable[[int, int], Awaitable[int]], count: int, seed: int, warm: int = 20
) -> float:
    """t of `count` awaited calls: `act(kind, n)` answers how many nanoseconds it took."""
    chance = random.Random(seed)
    for n in range(warm):
        await act(n % 2, n)
    kinds = np.array([chance.randrange(2) for _ in range(count)])
    took = np.array([await act(int(kind), warm + n) for n, kind in enumerate(kinds)])
    return welch(kinds, took)


def least(series: Callable[[int], float]) -> tuple[float, int]:
    """(|t|, how many series): the least of up to three series, by seed; one below the limit is enough."""
    found: list[float] = []
    for seed in range(SERIES):
        found.append(abs(series(seed)))
        if found[-1] < LIMIT:
            break
    return min(found), len(found)
