"""Readings whose slot the form itself gives (RD, portal JSON, Green Button), gathered for their blocks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from wattledger.connectors.smart_meter_texas.interval import labels
from wattledger.connectors.smart_meter_texas.interval.intake import Intake
from wattledger.connectors.smart_meter_texas.interval.slots import fill
from wattledger.model import Flag

Key = tuple[int, int, int, int]
"""point, flow, day, revision"""


@dataclass
class Placed:
    """Gathers readings for one intake; `finish` makes the blocks."""

    intake: Intake
    keys: dict[Key, int] = field(default_factory=dict)
    readings: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    """group, slot, Wh, flag, number of the record"""

    def refuse(self, reason: str, line: int, example: str | None = None, count: int = 1) -> None:
        """Count rows as refused. `line` is the number of the record in the payload."""
        refusals = self.intake.refusals
        self.intake.total += count
        refusals.add(refusals.code(reason, example), np.full(count, line, np.int64))

    def blank(self, count: int = 1) -> None:
        """Count rows without a value."""
        self.intake.total += count
        self.intake.blank += count

    def add_kwh(self, key: Key, slot: int, kwh: str, letter: str, line: int) -> None:
        """One value in kWh with its A or E."""
        try:
            flag = labels.quality(letter.strip())
            wh, finer = labels.energy(kwh.strip())
        except ValueError as error:
            self.refuse(str(error), line, f"{kwh}-{letter}")
            return
        self.intake.finer += finer
        self.add(key, slot, wh, flag, line)

    def add(self, key: Key, slot: int, wh: int, flag: Flag, line: int) -> None:
        """One value in Wh."""
        self.intake.total += 1
        group = self.keys.setdefault(key, len(self.keys))
        self.readings.append((group, slot, wh, int(flag), line))

    def finish(self) -> None:
        """Hand the blocks to the intake."""
        if not self.readings:
            return
        group, slot, wh, flag, line = np.array(self.readings, np.int64).T
        point, flow, day, revision = np.array(list(self.keys), np.int64).T
        keys = (point.astype(np.int32), flow.astype(np.int8), day.astype(np.int32), revision)
        self.intake.blocks.append(fill(keys, group, slot, wh.astype(np.int32), flag.astype(np.uint8), line))
