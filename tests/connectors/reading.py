"""Helpers of the connector tests: payloads in, plain readings out."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import numpy as np

from wattledger import localday
from wattledger.connectors import connector
from wattledger.model import MISSING, NO_REVISION, Parsed, Payload, Source

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Reading = tuple[str, int, date, int, int]
"""external id, flow, day, revision, slot"""


def parse(
    body: bytes, name: str = "smart_meter_texas", filename: str | None = None, **headers: str
) -> Parsed:
    """What one connector reads from these bytes, with the account of rows checked."""
    parsed = connector(name).parse(Payload(name, Source.UPLOAD, body, NOW, filename, headers=headers))
    check(parsed)
    return parsed


def check(parsed: Parsed) -> None:
    """The invariants of every Parsed."""
    days = parsed.days
    known = days.values != MISSING
    rejected = sum(r.count for r in parsed.rejected)
    assert parsed.rows == int(known.sum()) + parsed.blank + rejected
    assert (days.flags[~known] == 0).all()
    assert (days.values[known] >= 0).all()
    assert all(0 <= p < len(parsed.points) for p in days.point)
    for day, row in zip(days.day, known, strict=True):
        assert not row[localday.slots(int(day), "America/Chicago") :].any() or _foreign(parsed)
    for refusal in parsed.rejected:
        assert refusal.count >= 1
        assert refusal.lines[0] == refusal.line
        assert len(refusal.lines) == min(refusal.count, 100)


def first_lines(parsed: Parsed) -> dict[tuple[str, int, int, int], int]:
    """The least line of the blocks of each (external id, flow, day, revision)."""
    found: dict[tuple[str, int, int, int], int] = {}
    days = parsed.days
    columns = (days.point, days.flow, days.day, days.revision, days.line)
    for *key, line in zip(*(column.tolist() for column in columns), strict=True):
        where = (parsed.points[key[0]].external_id, key[1], key[2], key[3])
        found[where] = min(line, found.get(where, line))
    return found


def _foreign(parsed: Parsed) -> bool:
    return any(p.timezone != "America/Chicago" for p in parsed.points)


def readings(parsed: Parsed) -> Counter[tuple[Reading, int, int]]:
    """Every reading with its Wh and flag, whatever block holds it."""
    found: Counter[tuple[Reading, int, int]] = Counter()
    days = parsed.days
    for block in range(len(days)):
        for slot in np.flatnonzero(days.values[block] != MISSING):
            where = (
                parsed.points[days.point[block]].external_id,
                int(days.flow[block]),
                localday.day(days.day[block]),
                int(days.revision[block]),
                int(slot),
            )
            found[where, int(days.values[block, slot]), int(days.flags[block, slot])] += 1
    return found


def by_slot(*of: Parsed) -> dict[tuple[str, int, date], list[int | None]]:
    """One value per slot; fails where two readings of a slot differ."""
    found: dict[tuple[str, int, date], list[int | None]] = {}
    for parsed in of:
        for ((esiid, flow, day, _, slot), wh, _), _ in readings(parsed).items():
            number = localday.number(day)
            length = localday.slots(number, parsed.points[0].timezone)
            row = found.setdefault((esiid, flow, day), [None] * length)
            assert row[slot] in (None, wh), f"two values for {esiid} {day} slot {slot}"
            row[slot] = wh
    return found


def unrevised(parsed: Parsed) -> Counter[tuple[str, int, date, int, int, int]]:
    """Readings without their revision, for forms that carry none."""
    return Counter({(k[0], k[1], k[2], k[4], wh, flag): n for (k, wh, flag), n in readings(parsed).items()})


__all__ = ["NOW", "NO_REVISION", "by_slot", "check", "first_lines", "parse", "readings", "unrevised"]
