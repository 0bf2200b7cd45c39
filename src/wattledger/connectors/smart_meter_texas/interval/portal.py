"""The customer portal's JSON: one object per quarter-hour with `12:15 am` times and both directions."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from wattledger import localday
from wattledger.connectors.smart_meter_texas.interval import doubled, labels
from wattledger.connectors.smart_meter_texas.interval.intake import Intake
from wattledger.connectors.smart_meter_texas.interval.placed import Placed
from wattledger.model import NO_REVISION, Flow

_COLUMNS = (
    (Flow.DELIVERED, "consumption", "consumption_est_act"),
    (Flow.RECEIVED, "generation", "generation_est_act"),
)
_NO_TIME = "the time does not exist on that day, or occurs twice and nothing says which is meant"


def read(documents: list[dict[str, Any]], intake: Intake, esiid: str | None) -> None:
    """Decode every `intervaldata` entry. Raises BadPayload where no ESIID is to be had."""
    placed = Placed(intake)
    line = 0
    for document in documents:
        named = document.get("esiid")
        owner = str(named) if named else labels.given_esiid(esiid, "The portal's JSON")
        entries = [e for e in document.get("intervaldata") or [] if isinstance(e, dict)]
        _document(entries, owner, line, bool(document.get("generationFlag")), placed)
        line += len(entries)
    placed.finish()


def _document(
    entries: list[dict[str, Any]], owner: str, before: int, generates: bool, placed: Placed
) -> None:
    days: dict[int, list[tuple[int, int, dict[str, Any], int]]] = defaultdict(list)
    for line, entry in enumerate(entries, before + 1):
        try:
            labels.esiid(owner)  # one that the file itself names may be wrong
            day = labels.day(str(entry.get("date", "")).strip())
            start = labels.quarter(str(entry.get("starttime", "")).strip()) % 96
            end = labels.quarter(str(entry.get("endtime", "")).strip()) or 96
        except ValueError as error:
            placed.refuse(str(error), line, str(entry.get("date", ""))[:40], _values(entry))
            continue
        days[day].append((start, end, entry, line))
    point = placed.intake.point(owner) if days else 0
    for day, found in days.items():
        slots = _slots(day, [f[0] for f in found], [f[1] for f in found])
        for (_, _, entry, line), slot in zip(found, slots, strict=True):
            _entry(entry, (point, day, slot), line, generates, placed)


def _values(entry: dict[str, Any]) -> int:
    return max(sum(entry.get(name) is not None for _, name, _ in _COLUMNS), 1)


def _slots(day: int, starts: list[int], ends: list[int]) -> list[int]:
    """Slots by the rules of the CSV; -1 where there is none."""
    length = localday.slots(day, labels.ZONE)
    if length == localday.MOST_SLOTS:
        return doubled.resolve(starts, ends)
    if length == 92:
        return [end - 1 if end <= 8 else end - 5 if end > 12 else 7 if start == 7 else -1
                for start, end in zip(starts, ends, strict=True)]  # fmt: skip
    return [end - 1 for end in ends]


def _entry(
    entry: dict[str, Any], where: tuple[int, int, int], line: int, generates: bool, placed: Placed
) -> None:
    """Both directions of one entry. Generation without a letter is filler for homes without solar."""
    point, day, slot = where
    for flow, name, quality in _COLUMNS:
        value, letter = entry.get(name), entry.get(quality)
        if flow is Flow.RECEIVED and letter is None and not generates:
            continue
        if value is None or str(value).strip() == "":
            placed.blank()
        elif slot < 0:
            placed.refuse(_NO_TIME, line, str(entry.get("starttime", "")))
        else:
            placed.add_kwh((point, int(flow), day, NO_REVISION), slot, str(value), str(letter or ""), line)
