"""Standard Green Button XML -> blocks: each reading has its own UTC start; only quarter-hours are taken."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np

from wattledger import localday
from wattledger.connectors import espi
from wattledger.connectors.espi import Block, Feed, Reading
from wattledger.errors import BadPayload, Refused
from wattledger.model import EnergyDays, Flag, Flow, Parsed, Payload, PointKind, Rejected, UsagePoint
from wattledger.units import MAX_WH

QUARTER = 900
DEFAULT_ZONE = "America/Chicago"
_YEARS = range(1990, 2200)
_POINT = re.compile(r"UsagePoint/([^/\s]{1,64})")
Slot = tuple[int, int, int]
"""flow, day, slot"""


class _Reading:
    """Gathers one feed's readings."""

    def __init__(self, tz: str) -> None:
        self.tz = tz
        self.readings: list[tuple[Slot, int, Flag]] = []
        self.refused: dict[str, list[int]] = {}
        self.lengths: set[int] = set()
        self.rows = 0

    def block(self, block: Block) -> None:
        for reading in block.readings:
            self.rows += 1
            try:
                self.readings.append(self._one(block, reading))
            except ValueError as error:
                self.refused.setdefault(str(error), []).append(self.rows)

    def _one(self, block: Block, reading: Reading | None) -> tuple[Slot, int, Flag]:
        kind = block.type
        if kind is None or kind.uom != espi.WATT_HOURS or abs(kind.power) > 9:
            raise ValueError("the block's unit is not watt-hours (uom 72)")
        if kind.flow not in (Flow.DELIVERED, Flow.RECEIVED):
            raise ValueError("the block's flowDirection is neither 1 (delivered) nor 19 (received)")
        if reading is None:
            raise ValueError("the reading has no number")
        if (reading.duration if reading.duration >= 0 else kind.length) != QUARTER or reading.start % QUARTER:
            raise ValueError("the reading is not a quarter-hour on the clock")
        wh, _ = espi.watt_hours(reading.value, kind.power)
        if not 0 <= wh <= MAX_WH:
            raise ValueError("the value is negative or too large for a quarter-hour")
        day, slot = self._when(reading.start)
        return (kind.flow, day, slot), wh, Flag.ESTIMATED if reading.estimated else Flag.ACTUAL

    def _when(self, start: int) -> tuple[int, int]:
        try:
            when = datetime.fromtimestamp(start, UTC)
        except (ValueError, OverflowError, OSError):
            raise ValueError("the reading's start is no moment") from None
        if when.year not in _YEARS:
            raise ValueError("the reading's start lies outside the years 1990 to 2199")
        return localday.locate(when, self.tz)

    def days(self) -> EnergyDays:
        """Blocks; a slot that occurs again goes to a further block."""
        blocks: dict[tuple[int, int, int], int] = {}
        turns: dict[Slot, int] = {}
        at = []
        for slot, _, _ in self.readings:
            turn = turns[slot] = turns.get(slot, -1) + 1
            at.append(blocks.setdefault((slot[0], slot[1], turn), len(blocks)))
        days = EnergyDays.empty(len(blocks))
        days.flow[:] = [flow for flow, _, _ in blocks]
        days.day[:] = [day for _, day, _ in blocks]
        slots = np.array([slot[2] for slot, _, _ in self.readings], np.int64)
        days.values[at, slots] = [wh for _, wh, _ in self.readings]
        days.flags[at, slots] = [int(flag) for _, _, flag in self.readings]
        return days


def parse(payload: Payload) -> Parsed:
    """What a standard feed says. `headers` may give `timezone` and `esiid` (the point's identity)."""
    if not payload.body.strip():
        raise BadPayload("The file is empty; fetch it again.", "empty")
    feed = espi.read(payload.body)
    tz = _zone(payload.headers.get("timezone") or DEFAULT_ZONE)
    found = _Reading(tz)
    for block in feed.blocks:
        found.block(block)
    if not found.readings and not found.rows:
        return Parsed(kind="opaque", notes=["The file holds no intervals."])
    if not found.readings:
        reason = next(iter(found.refused))
        return Parsed(
            kind="opaque",
            notes=[f"None of the file's {found.rows} readings is a quarter-hour's energy: {reason}."],
        )
    name = payload.headers.get("esiid") or _identity(feed)
    return Parsed(
        points=[UsagePoint(PointKind.METER, name, f"Meter …{name[-4:]}", tz)],
        days=found.days(),
        rejected=[Rejected(n[0], why, len(n), tuple(n[:100])) for why, n in found.refused.items()],
        rows=found.rows,
    )


def _zone(name: str) -> str:
    try:
        localday.zone(name)
    except Refused as error:
        raise BadPayload(str(error), "bad_zone") from None
    return name


def _identity(feed: Feed) -> str:
    """The UsagePoint's own id in the feed's addresses. Raises BadPayload where there are none or several."""
    named = {found for hint in feed.hints for found in _POINT.findall(hint)}
    if len(named) != 1:
        raise BadPayload(
            "The Green Button file does not say which one meter it is about: give its number (`--esiid`).",
            "esiid_missing",
        )
    return str(named.pop())
