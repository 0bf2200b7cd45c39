"""How long a long harness goes on: so many turns, or as many minutes as it was given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from time import monotonic


def minutes() -> float:
    """What `./dev soak --minutes` said."""
    return float(os.environ.get("WATTLEDGER_SOAK_MINUTES", "10"))


def turns(most: int, share: float = 1.0) -> Iterator[int]:
    """1, 2, ... up to `most`, and no further once that share of the minutes is over; at least one."""
    until = monotonic() + 60 * minutes() * share
    for number in range(1, most + 1):
        yield number
        if monotonic() >= until:
            return
