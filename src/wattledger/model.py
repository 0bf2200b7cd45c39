"""The ten words as values: what travels along the one road.

A Payload is what a vendor said. `parse` turns it into Parsed: usage points, blocks of interval energy,
observations, and what was refused. Nothing here touches a clock, a network or a database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import IntEnum, IntFlag, StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wattledger.localday import MOST_SLOTS

MISSING = np.iinfo(np.int32).min
"""A slot for which nothing is known. Never 0."""

NO_REVISION = np.iinfo(np.int64).min
"""The revision of an interval whose source names none: lower than every date."""


class Flow(IntEnum):
    """Direction of energy, by its ESPI flowDirection: delivered to the site, received from it."""

    DELIVERED = 1
    RECEIVED = 19


class Flag(IntFlag):
    """What is known of one quarter-hour besides its Wh; 0 means an actual, undisputed reading."""

    ACTUAL = 0
    ESTIMATED = 1
    DERIVED = 2
    CONFLICT = 4


class PointKind(StrEnum):
    """What a usage point measures."""

    METER = "meter"
    VEHICLE = "vehicle"
    APPLIANCE = "appliance"


class Source(StrEnum):
    """The way a payload came."""

    POLL = "poll"
    WEBHOOK = "webhook"
    RELAY = "relay"
    UPLOAD = "upload"


FIXED_ZONE: Mapping[str, str] = {"zone": "fixed"}
"""in the details of a usage point whose days are its vendor's own: its zone is nobody's to change"""


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """Where energy is measured; `external_id` is the vendor's (ESIID, vehicle id, device id/component)."""

    kind: PointKind
    external_id: str
    name: str
    timezone: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wrapping:
    """One layer that was taken off before a payload was delivered (`pgp`, `zip`), with its name and hash."""

    kind: str
    name: str
    sha256: str


@dataclass(frozen=True)
class Payload:
    """What a vendor said, as received and decrypted. Never changed, never deleted by ingest."""

    connector: str
    source: Source
    body: bytes
    received_at: datetime
    filename: str | None = None
    mime: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    wrapped_in: tuple[Wrapping, ...] = ()
    private: bool = False
    """whether it says what is nobody else's business (where a car is): its bytes are kept sealed"""

    @cached_property
    def sha256(self) -> str:
        """Lower-case hex digest of the body: the identity of a file."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(slots=True)
class EnergyDays:
    """n blocks of 15-minute energy; each is one (usage point, flow, local day, revision) of one source.

    A pass that repeats within a file is a block of its own, so nothing is lost before the merge.
    """

    point: NDArray[np.int32]
    """n: index into Parsed.points"""
    flow: NDArray[np.int8]
    """n: Flow"""
    day: NDArray[np.int32]
    """n: local day number (localday.number)"""
    revision: NDArray[np.int64]
    """n: UTC epoch seconds at which the vendor revised the day, or NO_REVISION"""
    values: NDArray[np.int32]
    """n x 100: Wh by slot, MISSING where nothing is known and past the day's end"""
    flags: NDArray[np.uint8]
    """n x 100: Flag by slot, 0 where MISSING"""
    line: NDArray[np.int32]
    """n: the block's first line or record in its source, 1-based; 0 where the source has none"""

    def __len__(self) -> int:
        return len(self.point)

    @classmethod
    def empty(cls, n: int = 0) -> EnergyDays:
        """`n` blocks with nothing known."""
        return cls(
            np.zeros(n, np.int32),
            np.full(n, Flow.DELIVERED, np.int8),
            np.zeros(n, np.int32),
            np.full(n, NO_REVISION, np.int64),
            np.full((n, MOST_SLOTS), MISSING, np.int32),
            np.zeros((n, MOST_SLOTS), np.uint8),
            np.zeros(n, np.int32),
        )

    @classmethod
    def concat(cls, parts: list[EnergyDays]) -> EnergyDays:
        """All blocks of several, in order; their `point` indexes must already agree."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> EnergyDays:
        """The blocks of these rows."""
        return EnergyDays(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Observation:
    """What one device said at one moment; `values` by ESPI-like names (`soc_pct`, `register_wh`, ...)."""

    point: int
    at: datetime
    values: Mapping[str, str | float | int | bool | None]
    private: Mapping[str, float] = field(default_factory=dict)
    """values that are kept sealed (`latitude`, `longitude`)"""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows refused for one reason. `line` is the first (1-based, header included), `count` how many."""

    line: int
    reason: str
    count: int = 1
    lines: tuple[int, ...] = ()
    """the first hundred lines; of readings that were refused by whole days, where those days begin"""


@dataclass(slots=True)
class Parsed:
    """What a payload says. rows = readings in `days` + blank + rejected, always."""

    points: list[UsagePoint] = field(default_factory=list)
    days: EnergyDays = field(default_factory=EnergyDays.empty)
    observations: list[Observation] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    rows: int = 0
    blank: int = 0
    kind: str = "interval"
    """what the payload is: interval, daily, monthly, enrollment, subscription, report, status, opaque"""
    notes: list[str] = field(default_factory=list)
    """diagnostics for people that refuse nothing (`a member was not read: ...`)"""
