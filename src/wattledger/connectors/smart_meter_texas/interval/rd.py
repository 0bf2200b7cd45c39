"""SMT's REST energy data: one `RD` string of 100 comma-separated slots per day and direction.

0-7     00:00 .. 01:45
8-11    the hour that autumn repeats; empty on every other day
12-99   02:00 .. 23:45; 12-15 are empty on the day in spring that lacks the hour
"""

from __future__ import annotations

from typing import Any

from wattledger import localday
from wattledger.connectors.smart_meter_texas.interval import labels
from wattledger.connectors.smart_meter_texas.interval.intake import Intake
from wattledger.connectors.smart_meter_texas.interval.placed import Key, Placed
from wattledger.model import Flow

WIDTH = 100
_FLOWS = {"C": Flow.DELIVERED, "G": Flow.RECEIVED}
_NO_HOUR = "the value stands in an hour that does not exist on that day"


def read(documents: list[dict[str, Any]], intake: Intake, esiid: str | None) -> None:
    """Decode every `energyData` record; a bad record is refused by itself."""
    placed = Placed(intake)
    line = 0
    for document in documents:
        records = document.get("energyData")
        for record in records if isinstance(records, list) else [records]:
            line += 1
            if isinstance(record, dict):
                _record(
                    record, str(record.get("esiid") or document.get("esiid") or esiid or ""), line, placed
                )
            elif record is not None:
                placed.refuse("the record is not an object", line)
    placed.finish()


def _record(record: dict[str, Any], esiid: str, line: int, placed: Placed) -> None:
    tokens = str(record.get("RD") or "").split(",")
    values = sum(bool(token.strip()) for token in tokens)
    try:
        if len(tokens) != WIDTH:
            raise ValueError(f"the RD text does not have {WIDTH} slots")
        flow = _FLOWS.get(str(record.get("RT", "C")).strip().upper())
        if flow is None:
            raise ValueError("the record's RT is neither C (consumption) nor G (generation)")
        day = labels.day(str(record.get("DT", "")).strip())
        revision = labels.revision(str(record.get("RevTS") or "").strip())
        point = placed.intake.point(labels.esiid(esiid.strip(" '")))
    except ValueError as error:
        placed.refuse(str(error), line, str(record.get("DT", ""))[:40], max(values, 1))
        return
    _tokens(tokens, (point, int(flow), day, revision), line, placed)


def _tokens(tokens: list[str], key: Key, line: int, placed: Placed) -> None:
    slots = _slots(localday.slots(key[2], labels.ZONE))
    for token, slot in zip(tokens, slots, strict=True):
        kwh, _, letter = token.strip().rpartition("-")
        if slot is None:
            if token.strip():
                placed.refuse(_NO_HOUR, line, token)
        elif not token.strip():
            placed.blank()
        else:
            placed.add_kwh(key, slot, kwh, letter, line)


def _slots(length: int) -> list[int | None]:
    """The day's slot of each of the 100 positions, None where the day has no such time."""
    if length == WIDTH:
        return list(range(WIDTH))
    missing = range(8, 16) if length == 92 else range(8, 12)
    shift = len(missing)
    return [None if k in missing else k if k < 8 else k - shift for k in range(WIDTH)]
