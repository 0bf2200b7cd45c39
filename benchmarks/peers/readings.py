"""Quarter-hours of a few meters from a seed, as deliveries; and what is right, by a plain recount of them.

Nothing of the ledger's own arithmetic is used: days are cut by the zone alone, and of a reading that was
revised the later revision is right, whatever arrived first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattledger import localday
from wattledger.simulators.fleet import LARGEST, Fleet
from wattledger.simulators.smt_files import HEADER, SKIPPED, kwh, labels, revision

ZONE = ZoneInfo("America/Chicago")
YEAR = (date(2025, 1, 1), 365)
AUTUMN = date(2025, 11, 2)
"""the local day of 25 hours"""
QUARTER = 900
METERS_A_FILE = 10
Numbers = NDArray[np.int64]
Grid = NDArray[np.bool_]
Block = tuple[int, date, datetime, Numbers]
"""a meter's local day: ESIID, date, when it was revised, Wh"""


@dataclass(frozen=True, slots=True)
class Batch:
    """One delivery by columns, sorted by meter and time, and the same as the utility's file."""

    meter: Numbers
    """ESIID"""
    at: Numbers
    """start of the quarter-hour, seconds of UTC"""
    wh: Numbers
    revision: Numbers
    """seconds; later is right"""
    blocks: Sequence[Block]

    def csv(self) -> bytes:
        """The interval CSV of the utility."""
        words, lines = _words(), [HEADER]
        for meter, day, moment, values in self.blocks:
            head = f"'{meter},{day:%m/%d/%Y},{moment:%m/%d/%Y %H:%M:%S},"
            said = [words[wh] for wh in values.tolist()]
            if len(said) == 92:
                said[SKIPPED.start : SKIPPED.start] = [","] * len(SKIPPED)
            columns = _columns(len(values))
            lines.extend([f"{head}{at}{wh},Consumption" for at, wh in zip(columns, said, strict=True)])
        return ("\n".join(lines) + "\n").encode()

    def meters(self) -> Iterator[tuple[int, slice]]:
        """Each meter and where its readings are."""
        found, starts = np.unique(self.meter, return_index=True)
        for meter, start, end in zip(found, starts, [*starts[1:], len(self.meter)], strict=True):
            yield int(meter), slice(int(start), int(end))


class Span(NamedTuple):
    """A stretch of time: local dates, the last one included, and their instants [start, end)."""

    first: date
    last: date

    @property
    def start(self) -> int:
        """Seconds of UTC."""
        return midnight(self.first)

    @property
    def end(self) -> int:
        """Seconds of UTC."""
        return midnight(self.last + timedelta(days=1))


@dataclass(frozen=True, eq=False)
class Readings:
    """Wh by meter and quarter-hour, as first delivered and as revised (where `chosen`, by meter and day)."""

    meters: tuple[int, ...]
    days: tuple[date, ...]
    borders: Numbers
    """of the days, among the columns: one more than days"""
    first: Numbers
    revised: Numbers
    chosen: Grid

    @property
    def count(self) -> int:
        """Readings of all meters."""
        return self.first.size

    def originals(self) -> Iterator[Batch]:
        """Everything as first delivered, some meters a file."""
        for start in range(0, len(self.meters), METERS_A_FILE):
            wanted = np.zeros_like(self.chosen)
            wanted[start : start + METERS_A_FILE] = True
            yield self._batch(wanted, self.first, corrected=False)

    def revision(self) -> Batch:
        """The revised meter-days alone, whole days, as the utility sends them."""
        return self._batch(self.chosen, self.revised, corrected=True)

    def right(self, span: Span, corrected: bool) -> dict[int, int]:
        """Wh of each meter in a span, before or after the revision."""
        at = self._instants()
        among = (at >= span.start) & (at < span.end)
        sums = (self.revised if corrected else self.first)[:, among].sum(axis=1)
        return dict(zip(self.meters, sums.tolist(), strict=True))

    def months(self) -> list[Span]:
        """The calendar months, as far as there are days of them."""
        found: dict[tuple[int, int], list[date]] = {}
        for day in self.days:
            found.setdefault((day.year, day.month), []).append(day)
        return [Span(days[0], days[-1]) for days in found.values()]

    def whole(self) -> Span:
        """From the first day to the last."""
        return Span(self.days[0], self.days[-1])

    def _instants(self) -> Numbers:
        return np.arange(midnight(self.days[0]), self.whole().end, QUARTER)

    def _batch(self, wanted: Grid, wh: Numbers, corrected: bool) -> Batch:
        rows, days = (index.tolist() for index in np.nonzero(wanted))
        cuts = [slice(int(self.borders[d]), int(self.borders[d + 1])) for d in days]
        at, sizes = self._instants(), [cut.stop - cut.start for cut in cuts]
        values = [wh[row, cut] for row, cut in zip(rows, cuts, strict=True)]
        moments = [revision(localday.number(self.days[d]), corrected) for d in days]
        seconds = [int(moment.replace(tzinfo=UTC).timestamp()) for moment in moments]
        names = [self.meters[row] for row in rows]
        blocks = zip(names, (self.days[d] for d in days), moments, values, strict=True)
        return Batch(
            meter=np.repeat(np.array(names, np.int64), sizes),
            at=np.concatenate([at[cut] for cut in cuts]),
            wh=np.concatenate(values),
            revision=np.repeat(np.array(seconds, np.int64), sizes),
            blocks=list(blocks),
        )


def make(
    meters: int, first: date, count: int, *, seed: int = 1, number: int = 0, share: float = 0.01
) -> Readings:
    """Meters from `number` on, `count` days from `first` on; `share` of the meter-days are revised."""
    days = tuple(first + timedelta(days=n) for n in range(count))
    some = range(number, number + meters)
    fleet = Fleet(meters, seed)
    blocks = [fleet.wh(some, localday.number(day)).astype(np.int64) for day in days]
    borders = np.cumsum([0, *(block.shape[1] for block in blocks)])
    wh = np.hstack(blocks)
    random = np.random.default_rng([seed, number, meters])
    chosen = random.random((meters, count)) < share
    chosen[0, -1] = True
    changed = np.repeat(chosen, np.diff(borders), axis=1)
    other = np.minimum(wh * random.uniform(0.5, 1.5, wh.shape) + 1, LARGEST - 1).astype(np.int64)
    return Readings(
        tuple(int(fleet.esiid(n)) for n in some), days, borders, wh, np.where(changed, other, wh), chosen
    )


@lru_cache(maxsize=4096)
def midnight(day: date) -> int:
    """When a local day begins, in seconds of UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp())


@lru_cache(maxsize=3)
def _columns(size: int) -> Sequence[str]:
    return [f"{start},{end}," for start, end in labels(size)]


@lru_cache(maxsize=1)
def _words() -> list[str]:
    """kWh and letter of every possible value: `.145,A`."""
    return [f"{kwh(wh)},A" for wh in range(LARGEST)]
