"""A charging session, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from wattledger.charging import Method


class Place(StrEnum):
    """Where a session took place."""

    HOME = "home"
    AWAY = "away"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of charging in a session; `wh` is None where it is not known."""

    start: datetime
    end: datetime
    wh: Decimal | None
    method: Method


@dataclass(frozen=True, slots=True)
class Session:
    """One plug-in. Energy is Wh, None where it is not known; `end` is None while it goes on."""

    start: datetime
    end: datetime | None
    plugged_in: datetime | None
    """when the car first said so"""
    plugged_out: datetime | None
    segments: tuple[Segment, ...]
    wh: Decimal | None
    method: Method
    place: Place
    booked_wh: Decimal
    """what of it is in the ledger as drawn at home"""
    soc_from: Decimal | None
    soc_to: Decimal | None
    peak_kw: Decimal | None
    evidence: tuple[str, ...] = ()

    @property
    def going_on(self) -> bool:
        """Whether the car is plugged in or charging still."""
        return self.end is None
