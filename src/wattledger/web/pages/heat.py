"""The heat map of a month or a year: each local day a column, each hour from midnight a cell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattledger.units import kwh
from wattledger.web.pages import words
from wattledger.web.pages.period import Period
from wattledger.web.pages.slots import Slots, State

LETTERS = {State.NONE: ".", State.ACTUAL: "a", State.ESTIMATED: "e", State.MISSING: "m"}
_WORST = (State.MISSING, State.ESTIMATED, State.ACTUAL)


def document(period: Period, slots: Slots, cuts: NDArray[np.int64]) -> dict[str, Any]:
    """Columns for the page's script. A day has 23, 24 or 25 hours; `x` are its edges along the axis.

    `kwh` is null where no quarter-hour of the hour is known; `state` has a letter for each hour: the
    worst of its four (m missing, e estimated, a actual, . nothing expected).
    """
    x = np.interp(slots.offsets, cuts, np.linspace(0, 1, len(cuts)))
    days = [slots.part(i, i + 1) for i in range(len(period.days))]
    return {
        "days": [words.short_day(day) for day in period.days],
        "dates": [str(day) for day in period.days],
        "x": [round(float(v), 5) for v in x],
        "kwh": [_energy(day) for day in days],
        "state": [_states(day) for day in days],
    }


def _energy(day: Slots) -> list[float | None]:
    hours = day.wh.reshape(-1, 4).sum(axis=1)
    known = np.isin(day.state, (State.ACTUAL, State.ESTIMATED)).reshape(-1, 4).sum(axis=1)
    return [kwh(int(wh)) if k else None for wh, k in zip(hours, known, strict=True)]


def _states(day: Slots) -> str:
    hours = day.state.reshape(-1, 4)
    found = np.full(len(hours), LETTERS[State.NONE])
    for state in reversed(_WORST):
        found[(hours == state).any(axis=1)] = LETTERS[state]
    return "".join(found)
