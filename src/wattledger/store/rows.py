"""What the store answers with: plain values, nothing that knows a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattledger.model import Rejected

By = Literal["interval", "hour", "day", "month"]
Quality = Literal["actual", "estimated", "derived", "mixed", "missing"]


class PointName(NamedTuple):
    """A usage point as a summary names it."""

    id: str
    external_id: str
    name: str


@dataclass(slots=True)
class Summary:
    """What reading one payload did. rows = accepted + superseded + blank + rejected, exactly."""

    rows: int = 0
    accepted: int = 0
    """readings whose value is in the ledger after this payload (new, or equal to what was stored)"""
    superseded: int = 0
    """readings that lost to a newer or greater one, in the same file or in the ledger"""
    blank: int = 0
    rejected: int = 0
    rejections: list[Rejected] = field(default_factory=list)
    conflicts: int = 0
    """slots of this file whose sources disagree with equal right"""
    days: int = 0
    """different (usage point, local day) pairs"""
    first_day: date | None = None
    last_day: date | None = None
    wh: dict[str, int] = field(default_factory=dict)
    """Wh of this file by flow name (`delivered`, `received`), each slot once"""
    points: list[PointName] = field(default_factory=list)
    gaps: int = 0
    """quarter-hours without a reading between the file's first and last day, per usage point and flow"""
    estimated: int = 0
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Only JSON's own types; days as ISO dates."""
        out = {one.name: getattr(self, one.name) for one in fields(self)}
        out["rejections"] = [asdict(r) for r in self.rejections]
        out["first_day"] = self.first_day.isoformat() if self.first_day else None
        out["last_day"] = self.last_day.isoformat() if self.last_day else None
        out["points"] = [list(p) for p in self.points]
        return out

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Summary:
        """The summary that `to_json` made; an empty one of `{}`."""
        known = dict(stored)
        for name in ("first_day", "last_day"):
            known[name] = date.fromisoformat(known[name]) if known.get(name) else None
        known["points"] = [PointName(*p) for p in known.get("points", ())]
        known["rejections"] = [
            Rejected(**{**r, "lines": tuple(r["lines"])}) for r in known.get("rejections", ())
        ]
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receipt of a payload, given after it was committed and read."""

    id: int
    sha256: str
    size: int
    duplicate: bool
    state: str
    """`read` or `rejected`; `stored` where another process is reading it now; `withdrawn`"""
    kind: str
    summary: Summary
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """One archived payload without its bytes."""

    id: int
    site: str
    connector: str
    source: str
    filename: str | None
    mime: str
    sha256: str
    size: int
    received_at: datetime
    state: str
    """`stored`, `read`, `rejected` or `withdrawn`"""
    kind: str
    reason: str | None
    attempts: int
    summary: dict[str, Any]
    storage_path: str
    """an opaque key of ours, never a path or URL from input"""
    wrapped_in: list[dict[str, str]]
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class ArchiveWeight:
    """The archive's size: different bodies, their bytes as received, and as kept (compressed)."""

    bodies: int
    plain_bytes: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class UsagePointRow:
    """A usage point; `n` is the small number that energy rows carry."""

    id: str
    site: str
    kind: str
    external_id: str
    name: str
    timezone: str
    connector: str
    details: dict[str, str]
    created_at: datetime
    n: int = 0
    choices: dict[str, Any] = field(default_factory=dict)
    """its owner's: `equation` (whole, part, out) and `parent` (the id of what it is part of)"""


@dataclass(frozen=True, slots=True)
class DayBlock:
    """One local day of one flow: n = 92, 96 or 100 quarter-hours."""

    day: int
    tz: str
    values: NDArray[np.int32]
    flags: NDArray[np.uint8]
    revision: int | NDArray[np.int64]
    payload: int | NDArray[np.int64]
    total_wh: int
    found: int
    estimated: int
    derived: int = 0


@dataclass(slots=True)
class SeriesPoint:
    """Energy of [start, end) as UTC instants; `wh` is None where nothing is known.

    Not frozen: a year has 35,040 of them, and frozen ones take three times as long to make.
    """

    start: datetime
    end: datetime
    wh: int | None
    quality: Quality
    found: int
    expected: int
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of quarter-hours without a reading."""

    start: datetime
    end: datetime
    slots: int
    first_day: date
    last_day: date


@dataclass(slots=True)
class Said:
    """One value that some payload gave for a slot; `revision` is None where the source names none.

    Not frozen, like SeriesPoint: a revised year has 70,080 of them.
    """

    wh: int
    quality: Quality
    revision: datetime | None
    payload: int


@dataclass(slots=True)
class Revision:
    """A slot for which several values were delivered: one that lost, and the one that holds."""

    start: datetime
    losing: Said
    winning: Said | None

    @property
    def conflict(self) -> bool:
        """Whether nothing but the greater Wh decided: two values of one revision and quality."""
        won = self.winning
        return won is not None and (won.revision, won.quality) == (self.losing.revision, self.losing.quality)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is known of one flow of one usage point between its first and last day."""

    first_day: date | None
    last_day: date | None
    found: int
    expected: int
    estimated: int
    total_wh: int
    newest: datetime | None
    """the end of the newest quarter-hour that has a reading"""


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay did: payloads read anew, points whose ledger was swapped, and the digest reached."""

    payloads: int
    points: int
    digest: str
