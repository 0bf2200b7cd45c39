"""Values that lost, beside the one that holds. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattledger import localday
from wattledger.model import MISSING, NO_REVISION, Flag
from wattledger.store.rows import DayBlock, Quality, Revision, Said

_ESTIMATED, _DERIVED = int(Flag.ESTIMATED), int(Flag.DERIVED)


def revision(row: Any, block: DayBlock | None, tz: str) -> Revision:
    """A row of `energy_superseded` with the stored day it belongs to."""
    losing = Said(row.wh, _quality(row.flags), _when(row.revision), row.payload)
    return Revision(localday.instant(row.day, row.slot, tz), losing, _winning(block, row.slot))


def _winning(block: DayBlock | None, slot: int) -> Said | None:
    if block is None or block.values[slot] == MISSING:
        return None
    return Said(
        int(block.values[slot]),
        _quality(int(block.flags[slot])),
        _when(_at(block.revision, slot)),
        _at(block.payload, slot),
    )


def _at(numbers: int | NDArray[np.int64], slot: int) -> int:
    return numbers if isinstance(numbers, int) else int(numbers[slot])


def _when(seconds: int) -> datetime | None:
    return None if seconds == NO_REVISION else datetime.fromtimestamp(seconds, UTC)


def _quality(flags: int) -> Quality:
    if flags & _ESTIMATED:
        return "estimated"
    return "derived" if flags & _DERIVED else "actual"
