"""Booked energy as blocks of the ledger: collected by usage point and day, added to what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger import localday
from wattledger.accounting import Booking
from wattledger.faults import sabotaged
from wattledger.localday import MOST_SLOTS
from wattledger.merge import Blocks
from wattledger.model import MISSING, NO_REVISION, Flag, Flow
from wattledger.spreading import shared
from wattledger.store.ledger.blocks import Group, Keys, groups
from wattledger.store.ledger.bulk import LEDGER, Bulk

Entry = tuple[Booking, int]
"""a booking and the payload that told of it"""


@dataclass(slots=True)
class Day:
    """One local day of one usage point: (Wh, flags) by slot, and the payload that booked last."""

    slots: int
    booked: dict[int, tuple[int, int]] = field(default_factory=dict)
    payload: int = 0

    def add(self, slot: int, wh: int, flag: Flag, payload: int) -> None:
        """Book into a quarter-hour."""
        there, flags = self.booked.get(slot, (0, 0))
        self.booked[slot] = there + wh, flags | int(flag)
        self.payload = payload


@dataclass(frozen=True, slots=True)
class Kept:
    """A local day as far as it was booked at some time: (slot, Wh, flag) of each that is known."""

    day: int
    slots: tuple[tuple[int, int, int], ...] = ()
    payload: int = 0


@dataclass(slots=True)
class Booked:
    """Energy by (usage point, local day)."""

    days: dict[tuple[int, int], Day] = field(default_factory=dict)

    def book(self, point: int, zone: str, bookings: Sequence[Entry], carried: Decimal) -> None:
        """Spread bookings, each with its payload, in order; `carried` is the sum of all before them."""
        spread = shared((booking for booking, _ in bookings), zone, carried)
        for (_, payload), shares in zip(bookings, spread, strict=True):
            for number, slot, wh, flag in shares:
                self._day(point, number, zone).add(slot, wh, flag, payload)

    def keep(self, point: int, number: int) -> Kept:
        """A day as it is now."""
        there = self.days.get((point, number))
        if there is None:
            return Kept(number)
        return Kept(number, tuple((s, *there.booked[s]) for s in sorted(there.booked)), there.payload)

    def put_back(self, point: int, zone: str, kept: Kept) -> None:
        """A day as it was."""
        for slot, wh, flag in () if sabotaged("charge_mark") else kept.slots:
            self._day(point, kept.day, zone).add(slot, wh, Flag(flag), kept.payload)

    def _day(self, point: int, number: int, zone: str) -> Day:
        there = self.days.get((point, number))
        if there is None:
            there = self.days[point, number] = Day(localday.slots(number, zone))
        return there


def rows(booked: Booked) -> Iterator[Group]:
    """As rows of the ledger."""
    return groups(*_blocks(booked)) if booked.days else iter(())


async def add(connection: AsyncConnection, bulk: Bulk, booked: Booked) -> None:
    """Add to the ledger what was booked since its days were written."""
    if not booked.days:
        return
    keys, blocks = _blocks(booked)
    found, there = await bulk.existing(connection, LEDGER, keys)
    if len(found):
        blocks.values[found] = _sum(there.values, blocks.values[found])
        blocks.flags[found] |= there.flags
        await bulk.replace(connection, LEDGER, groups(keys.take(found), blocks.take(found)))
    new = np.ones(len(keys), bool)
    new[found] = False
    if new.any():
        await bulk.insert(connection, LEDGER, groups(keys.take(new), blocks.take(new)))


async def kept(
    connection: AsyncConnection, bulk: Bulk, days: Mapping[int, int], zones: Mapping[int, str]
) -> dict[int, Kept]:
    """By usage point: one day of each, as the ledger has it."""
    numbers = sorted(days)
    keys = Keys(
        np.array(numbers, np.int32),
        np.full(len(numbers), int(Flow.DELIVERED), np.int16),
        np.array([days[n] for n in numbers], np.int32),
        np.array([localday.slots(days[n], zones[n]) for n in numbers], np.int32),
    )
    found = {n: Kept(days[n]) for n in numbers}
    rows, there = await bulk.existing(connection, LEDGER, keys)
    for row, values, flags, payload in zip(rows, there.values, there.flags, there.payload, strict=True):
        number = numbers[int(row)]
        found[number] = Kept(days[number], _known(values, flags), int(payload[0]))
    return found


def _known(values: NDArray[np.int32], flags: NDArray[np.uint8]) -> tuple[tuple[int, int, int], ...]:
    slots = np.flatnonzero(values != MISSING)
    return tuple((int(slot), int(values[slot]), int(flags[slot])) for slot in slots)


def _blocks(booked: Booked) -> tuple[Keys, Blocks]:
    order = sorted(booked.days)
    days = [booked.days[key] for key in order]
    points, numbers = zip(*order, strict=True)
    keys = Keys(
        np.array(points, np.int32),
        np.full(len(days), int(Flow.DELIVERED), np.int16),
        np.array(numbers, np.int32),
        np.array([day.slots for day in days], np.int32),
    )
    told = [(row, slot, *there) for row, day in enumerate(days) for slot, there in day.booked.items()]
    rows, slots, wh, flags = np.array(told, np.int64).T
    blocks = Blocks(
        np.full((len(days), MOST_SLOTS), MISSING, np.int32),
        np.zeros((len(days), MOST_SLOTS), np.uint8),
        np.full((len(days), 1), NO_REVISION, np.int64),
        np.array([[day.payload] for day in days], np.int64),
    )
    blocks.values[rows, slots], blocks.flags[rows, slots] = wh, flags
    return keys, blocks


def _sum(one: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.int32]:
    """Slot by slot; a slot is missing only where it is missing in both."""
    total = np.where(one == MISSING, 0, one) + np.where(other == MISSING, 0, other)
    return np.where((one == MISSING) & (other == MISSING), MISSING, total).astype(np.int32)
