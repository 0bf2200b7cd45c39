"""One peer through all measures: into it, out of it, once more, revised, and in the wrong order."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache, partial
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.figures import number
from benchmarks.peers.protocol import Absent, Peer
from benchmarks.peers.readings import AUTUMN, YEAR, Readings, Span, make

SEED = 1
OTHERS = (date(2025, 10, 20), 30)
"""first day and days of other meters, half of whose days are revised: in this order, and in the wrong one"""
OTHER_METERS = 2
FIRST = (YEAR[0], 1)
"""first day and days of a meter that warms up: code is loaded and connections stand before the clock runs"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of what: a year of so many meters."""

    meters: int = 100
    days: tuple[date, int] = YEAR
    runs: int = 5

    def of(self, share: float) -> Readings:
        """The readings of a peer that gets this share of the meters."""
        return _made(max(1, ceil(self.meters * share)), *self.days)

    def others(self, turn: int) -> Readings:
        """Those of a few other meters, others for each turn; half of their days are revised."""
        after = self.meters + turn * OTHER_METERS
        return make(OTHER_METERS, *OTHERS, seed=SEED, number=after, share=0.5)

    def warming(self) -> Readings:
        """A day of yet another meter."""
        return make(1, *FIRST, seed=SEED, number=self.meters + 2 * OTHER_METERS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many of the sums asked for were wrong, and by how much the whole was."""

    wrong: int
    share: float

    @property
    def right(self) -> bool:
        """Every sum to the Wh."""
        return not self.wrong

    def __str__(self) -> str:
        if self.right:
            return "yes"
        return f"NO, {'-+'[self.share > 0]}{number(100 * abs(self.share))} %"


@dataclass(slots=True)
class Result:
    """What one peer reached. Seconds are those of the whole plan, reckoned up where it got a share."""

    name: str
    how: str
    absent: str = ""
    version: str = ""
    meters: int = 0
    per_second: float = 0
    again: float = 0
    merged: float | None = None
    """seconds for the same readings in other bytes, where a file is known by its bytes"""
    revise: float = 0
    reads: tuple[float, float, float] = (0, 0, 0)
    """milliseconds: meter-day, meter-year, fleet month"""
    bytes_per_reading: float = 0
    core: float | None = None
    """bytes a reading of the values alone, where more is kept beside them"""
    verdicts: dict[str, Verdict] = field(default_factory=dict)


def measured(peer: Peer, plan: Plan) -> Result:
    """One peer; a result that says so where it is absent."""
    result = Result(peer.name, peer.how)
    with TemporaryDirectory(prefix="wattledger-peer-") as folder:
        try:
            result.version = peer.start(Path(folder))
            _all(peer, plan, result)
        except Absent as absent:
            result.absent = str(absent)
        finally:
            if not result.absent:
                peer.stop()
    return result


def _all(peer: Peer, plan: Plan, result: Result) -> None:
    given = plan.of(peer.share)
    up = plan.of(1).count / given.count
    files, revision = [peer.prepare(batch) for batch in given.originals()], peer.prepare(given.revision())
    result.meters = len(given.meters)
    _into(peer, [peer.prepare(batch) for batch in plan.warming().originals()])
    result.per_second = given.count / _into(peer, files)
    _expect(peer, given)
    result.reads = _reads(peer, given, plan.runs, up)
    result.bytes_per_reading = peer.weigh() / given.count
    core = peer.core()
    result.core = None if core is None else core / given.count
    result.verdicts["25 h day"] = autumn(peer, given)
    result.again = up * _into(peer, files)
    repacked = [other for other in map(peer.repacked, files) if other is not None]
    result.merged = up * _into(peer, repacked) if repacked else None
    result.verdicts["re-ingest"] = judged(peer, given, corrected=False)
    result.revise = up * _into(peer, [revision])
    _orders(peer, plan, result)
    if result.verdicts["re-ingest"].right and result.verdicts["revision"].right:
        result.verdicts["revision"] = judged(peer, given, corrected=True)


def _orders(peer: Peer, plan: Plan, result: Result) -> None:
    """Fresh meters, so that what went wrong before does not count again."""
    for turn, name in enumerate(("revision", "out of order")):
        others = plan.others(turn)
        files = [*others.originals(), others.revision()]
        _into(peer, [peer.prepare(batch) for batch in (files[::-1] if turn else files)])
        result.verdicts[name] = judged(peer, others, corrected=True)


def judged(peer: Peer, given: Readings, *, corrected: bool) -> Verdict:
    """Every month of every meter, against our own recount."""
    return _compared((peer.sums(span), given.right(span, corrected)) for span in given.months())


def autumn(peer: Peer, given: Readings) -> Verdict:
    """The local day of 25 hours, meter by meter: its sum, and that all its readings are there."""
    day = Span(AUTUMN, AUTUMN)
    parts = 25 if peer.hourly else 100
    found = {meter: peer.readings(meter, day) for meter in given.meters}
    sums = {meter: int(wh.sum()) if len(wh) == parts else -1 for meter, wh in found.items()}
    return _compared([(sums, given.right(day, corrected=False))])


def _compared(pairs: Any) -> Verdict:
    wrong = off = total = 0
    for found, right in pairs:
        for meter, wh in right.items():
            said = found.get(meter, 0)
            wrong, off, total = wrong + (said != wh), off + said - wh, total + wh
    return Verdict(wrong, off / total)


def _expect(peer: Peer, given: Readings) -> None:
    """What was given once is there; else no other figure means anything. Raises ValueError."""
    verdict = judged(peer, given, corrected=False)
    if not verdict.right:
        raise ValueError(f"{peer.name} does not hold what it was given: {verdict}")


def _into(peer: Peer, files: Sequence[Any]) -> float:
    begun = perf_counter()
    for file in files:
        peer.ingest(file)
    return perf_counter() - begun


def _reads(peer: Peer, given: Readings, runs: int, up: float) -> tuple[float, float, float]:
    """Milliseconds of a meter's day, a meter's year and every meter's month, each time another one."""
    meters, days, months = given.meters, given.days, given.months()
    day = [(meters[7 * i % len(meters)], days[11 * i % len(days)]) for i in range(10 * runs + 1)]
    year = [meters[i % len(meters)] for i in range(runs + 1)]
    month = [months[i % len(months)] for i in range(runs + 1)]
    return (
        _each([partial(peer.readings, meter, Span(one, one)) for meter, one in day]),
        _each([partial(peer.readings, meter, given.whole()) for meter in year]),
        up * _each([partial(peer.sums, span) for span in month]),
    )


def _each(works: Sequence[Callable[[], object]]) -> float:
    """The median, in milliseconds; the first does not count."""
    took = []
    for work in works:
        begun = perf_counter()
        work()
        took.append(perf_counter() - begun)
    return 1000 * statistics.median(took[1:])


@lru_cache(maxsize=4)
def _made(meters: int, first: date, count: int) -> Readings:
    return make(meters, first, count, seed=SEED)
