"""What a partition holds, whatever it was read from: usage points, their days, and slots where asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattledger.merge import Blocks
from wattledger.model import MISSING, PointKind
from wattledger.store.ledger.days import DayTotal
from wattledger.store.rows import DayBlock

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Point:
    """A usage point as a fleet knows it."""

    external_id: str
    kind: str
    timezone: str

    @property
    def is_meter(self) -> bool:
        """Whether its days come whole."""
        return self.kind == PointKind.METER


@dataclass(slots=True)
class Held:
    """n days sorted by (point, flow, day); `point` is an index into `points`, sorted by external id."""

    points: list[Point]
    point: Ints
    flow: Ints
    day: Ints
    total_wh: Ints
    found: Ints
    estimated: Ints
    derived: Ints

    def series(self) -> Iterator[tuple[Point, int, slice]]:
        """Each usage point and flow, with the rows that are its days."""
        if not len(self.day):
            return
        new = np.nonzero((np.diff(self.point, prepend=-1) != 0) | (np.diff(self.flow, prepend=-1) != 0))[0]
        for start, stop in zip(new.tolist(), [*new[1:].tolist(), len(self.day)], strict=True):
            yield self.points[int(self.point[start])], int(self.flow[start]), slice(start, stop)

    def totals(self, rows: slice) -> list[DayTotal]:
        """These days without their slots."""
        columns = (self.day, self.total_wh, self.found, self.estimated, self.derived)
        return list(map(DayTotal, *(column[rows].tolist() for column in columns)))


def day_block(day: int, tz: str, slots: int, blocks: Blocks, row: int) -> DayBlock:
    """One row of blocks as a day of `slots` quarter-hours; who said it is left out."""
    values = blocks.values[row, :slots]
    found = int((values != MISSING).sum())
    total = int(np.where(values == MISSING, 0, values).sum(dtype=np.int64))
    return DayBlock(day, tz, values, blocks.flags[row, :slots], 0, 0, total, found, 0)
