"""Files with one time column: whether its labels tell where a quarter-hour starts or where it ends.

The name of the column is not reliable, the order of the labels is: within one day 23:45 is followed by
00:00 only where labels are ends, and 00:00 by 00:15 at the day's beginning only where they are starts.
"""

from __future__ import annotations

import numpy as np

from wattledger.connectors.smart_meter_texas.interval.intake import Rows

_DAY = 96


def settle(parts: list[Rows], named_end: bool) -> str | None:
    """Give rows that hold their label in `end` (00:00 as 96) true starts and ends.

    `named_end` decides where the order says nothing. Returns a note where the name was not followed.
    """
    starts = sum(_followed(part, _DAY, 1) for part in parts)
    ends = sum(_followed(part, _DAY - 1, _DAY) for part in parts)
    are_ends = named_end if (starts > 0) == (ends > 0) else ends > 0
    for part in parts:
        if not are_ends:
            part.end = (part.end % _DAY + 1).astype(np.int16)
        part.start = (part.end - 1).astype(np.int16)
    if are_ends == named_end:
        return None
    meant = "end" if are_ends else "start"
    return f"The time labels were read as the {meant} of each quarter-hour, as their order shows."


def _followed(rows: Rows, first: int, second: int) -> int:
    """How often one label directly follows another within one day of one series."""
    hits = (rows.end[:-1] == first) & (rows.end[1:] == second)
    for key in (rows.point, rows.flow, rows.day, rows.revision):
        hits &= key[1:] == key[:-1]
    return int(np.count_nonzero(hits))
