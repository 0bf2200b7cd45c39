"""What a run does: verb, source, sink and partitions; and what a task is told and tells."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

SIZE = 200
"""usage points of a partition: as many as a utility's file names"""
_PART = re.compile(r"year=\d{4}/month=\d{2}/part-(\d{5,})\.parquet")


def key_of(year: int, month: int, part: int) -> str:
    """Where a partition's month lies; a partition has the same number in every month."""
    return f"year={year:04d}/month={month:02d}/part-{part:05d}.parquet"


def part_of(key: str) -> int | None:
    """The partition of a key; None for what is no Parquet of ours."""
    found = _PART.fullmatch(key)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Task:
    """One partition of one verb: `points` are a ledger's (by `n`), `keys` a lake's."""

    verb: str
    part: int
    now: float
    """the present as the run has it, UTC epoch seconds"""
    data: str | None = None
    """the installation's data folder; None on a cluster, where workers have settings of their own"""
    points: tuple[int, ...] = ()
    mark: str = ""
    """of the points' external ids: a worker that reads another ledger is noticed"""
    lake: str | None = None
    keys: tuple[str, ...] = ()
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """How a task ended: `figures` are JSON; `problem` is a sentence where the partition was skipped."""

    part: int
    figures: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
