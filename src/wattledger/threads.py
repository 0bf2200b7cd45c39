"""Work of some length is done in a thread; work of a moment is done at once, as a thread costs more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
SHORT = 1 << 16
"""bytes that are hashed or compressed within a fraction of a millisecond"""


async def done(brief: bool, work: Callable[P, T], *words: P.args, **options: P.kwargs) -> T:
    """What `work` returns; only brief work may hold up everybody else."""
    return work(*words, **options) if brief else await asyncio.to_thread(work, *words, **options)
