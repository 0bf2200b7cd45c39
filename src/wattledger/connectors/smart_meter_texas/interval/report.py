"""SMT's own Green Button XML, which differs from the standard: a block starts on its LOCAL date, told as UTC.

So a block is one service day, and a reading's slot is its place in the block.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from wattledger import localday
from wattledger.connectors import espi
from wattledger.connectors.espi import Block, Feed
from wattledger.connectors.smart_meter_texas.interval import labels
from wattledger.connectors.smart_meter_texas.interval.intake import Intake
from wattledger.connectors.smart_meter_texas.interval.placed import Key, Placed
from wattledger.model import NO_REVISION, Flag, Flow
from wattledger.units import MAX_WH

TITLE = b"SMT Green Button"
QUARTER = 900
_NO_PLACE = "the day has no such quarter-hour, or it occurs twice and nothing says which is meant"
_NO_ENERGY = "the value is negative or too large for a quarter-hour"
_ESIID = re.compile(r"(?<!\d)10(?:\d{20}|\d{15})(?!\d)", re.ASCII)


def kind(title: str) -> str:
    """interval, daily or monthly, by the feed's title."""
    word = title.rpartition(":")[2].strip().lower()
    return word if word in ("daily", "monthly") else "interval"


def read(body: bytes, intake: Intake, esiid: str | None) -> str:
    """Decode a feed and return its kind. Raises BadPayload where no ESIID is to be had."""
    feed = espi.read(body)
    found = kind(feed.title)
    if found != "interval":
        return found
    point = intake.point(_owner(feed, esiid))
    placed = Placed(intake)
    line = 0
    for block in feed.blocks:
        _block(block, point, line, placed)
        line += len(block.readings)
    placed.finish()
    return found


def _owner(feed: Feed, esiid: str | None) -> str:
    named = {m for text in (feed.title, *feed.hints) for m in _ESIID.findall(text)}
    if len(named) == 1:
        return str(named.pop())
    what = "The Green Button file, which names several ESIIDs," if named else "The Green Button file"
    return labels.given_esiid(esiid, what)


def _block(block: Block, point: int, before: int, placed: Placed) -> None:
    try:
        flow, power = _meaning(block)
        day = _service_day(block)
    except ValueError as error:
        for k in range(len(block.readings)):
            placed.refuse(str(error), before + 1 + k)
        return
    slots = _places(block, day)
    key = (point, int(flow), day, NO_REVISION)
    for k in range(len(block.readings)):
        _reading(block, k, slots[k], (key, power, before + 1 + k), placed)


def _meaning(block: Block) -> tuple[Flow, int]:
    """Direction, and the power of ten of its watt-hours."""
    if block.type is None or block.type.uom != espi.WATT_HOURS:
        raise ValueError("the block's unit is not watt-hours (uom 72), or no ReadingType belongs to it")
    if block.type.flow not in (Flow.DELIVERED, Flow.RECEIVED):
        raise ValueError("the block's flowDirection is neither 1 (delivered) nor 19 (received)")
    if abs(block.type.power) > 9:
        raise ValueError("the powerOfTenMultiplier is out of range")
    return Flow(block.type.flow), block.type.power


def _service_day(block: Block) -> int:
    start = block.start
    if start < 0 and block.readings and block.readings[0]:
        start = block.readings[0].start
    try:
        day = datetime.fromtimestamp(start, UTC).date()
        return labels.day(f"{day:%Y-%m-%d}")
    except (ValueError, OverflowError, OSError):
        raise ValueError("the block has no usable start") from None


def _places(block: Block, day: int) -> list[int | None]:
    """Slot of each reading; None where it has none that is certain.

    A block of the day's full number goes by place. 96 places on a day of 92 are the wall clock, whose 02:00
    hour is void; on a day of 100 they lack one of the doubled hours, and which is open. A block with holes
    goes by its readings' own starts, as far as these are certain.
    """
    count, length = len(block.readings), localday.slots(day, labels.ZONE)
    if count == length:
        return list(range(length))
    if count == 96:
        return [_wall(k, length) for k in range(96)]
    midnight = (day * 86400) // QUARTER
    starts = [r.start // QUARTER - midnight if r and r.start >= 0 else -1 for r in block.readings]
    return [_wall(k, length) if 0 <= k < 96 and (length == 96 or k < 4) else None for k in starts]


def _wall(quarter: int, length: int) -> int | None:
    """The slot of a quarter-hour of the wall clock, None where it is void or doubled."""
    if length == 92:
        return quarter if quarter < 8 else None if quarter < 12 else quarter - 4
    if length == 100:
        return quarter if quarter < 4 else None if quarter < 8 else quarter + 4
    return quarter


def _reading(block: Block, k: int, slot: int | None, about: tuple[Key, int, int], placed: Placed) -> None:
    key, power, line = about
    reading = block.readings[k]
    if reading is None:
        placed.refuse("the reading has no number", line)
        return
    length = reading.duration if reading.duration >= 0 else (block.type.length if block.type else -1)
    if length != QUARTER:
        placed.refuse("the reading does not cover a quarter-hour", line, str(length))
    elif slot is None and reading.value == 0:
        placed.blank()
    elif slot is None:
        placed.refuse(_NO_PLACE, line)
    else:
        wh, finer = espi.watt_hours(reading.value, power)
        if not 0 <= wh <= MAX_WH:
            placed.refuse(_NO_ENERGY, line, str(reading.value)[:40])
            return
        placed.intake.finer += finer
        placed.add(key, slot, wh, Flag.ESTIMATED if reading.estimated else Flag.ACTUAL, line)
