"""The heat map of a month or a year: each local day a column, each hour from midnight a cell."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattledger.web.pages import words
from wattledger.web.pages.period import Period
from wattledger.web.pages.slots import Slots, State

LETTERS = np.frombuffer(b".aem", "S1")
"""by State"""


def document(period: Period, slots: Slots, cuts: NDArray[np.int64]) -> dict[str, Any]:
    """Columns for the page's script. A day has 23, 24 or 25 hours; `x` are its edges along the axis.

    `kwh` is null where no quarter-hour of the hour is known; `state` has a letter for each hour: the
    worst of its four (m missing, e estimated, a actual, . nothing expected).
    """
    x = np.interp(slots.offsets, cuts, np.linspace(0, 1, len(cuts)))
    hours = (slots.offsets // 4).tolist()
    energy, letters = _energy(slots), _letters(slots)
    return {
        "days": [words.short_day(day) for day in period.days],
        "dates": [str(day) for day in period.days],
        "x": x.round(5).tolist(),
        "kwh": [energy[a:b] for a, b in pairwise(hours)],
        "state": [letters[a:b] for a, b in pairwise(hours)],
    }


def _energy(slots: Slots) -> list[float | None]:
    known = np.isin(slots.state, (State.ACTUAL, State.ESTIMATED)).reshape(-1, 4).sum(axis=1)
    sums = slots.wh.reshape(-1, 4).sum(axis=1).tolist()
    return [wh / 1000 if k else None for wh, k in zip(sums, known.tolist(), strict=True)]


def _letters(slots: Slots) -> str:
    """The states are numbered from the harmless to the worst, so the worst of four is their greatest."""
    return bytes(LETTERS[slots.state.reshape(-1, 4).max(axis=1)]).decode()
