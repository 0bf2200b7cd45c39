"""The heat map of the explorer: hours by days of the meter, of one part, or of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from wattledger import localday
from wattledger.errors import NotFound
from wattledger.insight.equation import Equation, Track
from wattledger.insight.steps import edges
from wattledger.web.pages import heat
from wattledger.web.pages.period import Period
from wattledger.web.pages.slots import Slots, State


def heat_document(whole: Equation, period: Period, tz: str, what: str) -> dict[str, Any]:
    """What the page's heat map is drawn from. Raises NotFound for a part that is not there."""
    slots = _slots(period, tz, track_of(whole, what))
    cuts = edges(whole.start, whole.size, tz, "month" if period.by == "year" else "day")
    return heat.document(period, slots, np.array(cuts, np.int64))


def track_of(whole: Equation, what: str) -> Track:
    """The meter, the rest, or a part by its id."""
    if what == "rest":
        return whole.rest
    if not what:
        return whole.meter or Track.empty(whole.size)
    for part in whole.parts:
        if part.id == what:
            return part.track
    raise NotFound("There is no such part of the equation.")


def _slots(period: Period, tz: str, track: Track) -> Slots:
    first = localday.number(period.start)
    counts = [localday.slots(first + i, tz) for i in range(len(period.days))]
    state = np.where(track.known, np.where(track.guessed, State.ESTIMATED, State.ACTUAL), State.NONE)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Slots(np.maximum(track.wh, 0), state.astype(np.uint8), offsets, 0)
