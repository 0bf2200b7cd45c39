"""The first three fields of fixed-layout lines -> usage point, day and revision, each part decoded once."""

from __future__ import annotations

from typing import Any, NamedTuple

from wattledger import localday
from wattledger.connectors.smart_meter_texas import labels
from wattledger.connectors.smart_meter_texas.intake import Intake

_MOST = 500_000
_LENGTH = 31
"""of `MM/DD/YYYY,MM/DD/YYYY HH:MM:SS,`"""


class Prefix(NamedTuple):
    """What a prefix means; `plain` where the day has 96 quarter-hours."""

    point: int
    day: int
    revision: int
    plain: bool


class Prefixes:
    """Decodes prefixes for one intake; None where the general reader must judge the line."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._points: dict[bytes, int | None] = {}
        self._days: dict[bytes, tuple[int, bool, int] | None] = {}
        self._seconds: dict[bytes, int | None] = {}

    def meaning(self, text: bytes) -> Prefix | None:
        """The meaning of `'ESIID,MM/DD/YYYY,MM/DD/YYYY HH:MM:SS,`."""
        esiid, rest = text[: -_LENGTH - 1], text[-_LENGTH:]
        if rest[10] != 44 or rest[21] != 32 or rest[-1] != 44:
            return None
        day = self._day(rest[:10])
        revised = self._day(rest[11:21])
        seconds = self._second(rest[22:-1])
        point = self._point(esiid)
        if day is None or revised is None or seconds is None or point is None:
            return None
        number, plain, _ = day
        _, revised_plain, begins = revised
        if not revised_plain:
            return Prefix(point, number, labels.revision(rest[11:-1].decode()), plain)
        return Prefix(point, number, begins + seconds, plain)

    def _point(self, raw: bytes) -> int | None:
        if raw not in self._points:
            _bound(self._points)
            try:
                self._points[raw] = self._intake.point(labels.esiid(raw.removeprefix(b"'").decode("ascii")))
            except ValueError:
                self._points[raw] = None
        return self._points[raw]

    def _day(self, raw: bytes) -> tuple[int, bool, int] | None:
        """Day number, whether it has 96 quarter-hours, and the epoch second at which it begins."""
        if raw not in self._days:
            _bound(self._days)
            self._days[raw] = _day(raw)
        return self._days[raw]

    def _second(self, raw: bytes) -> int | None:
        """Seconds after midnight of `HH:MM:SS`."""
        if raw not in self._seconds:
            _bound(self._seconds)
            self._seconds[raw] = _second(raw)
        return self._seconds[raw]


def _bound(known: dict[bytes, Any]) -> None:
    if len(known) >= _MOST:
        known.clear()


def _day(raw: bytes) -> tuple[int, bool, int] | None:
    try:
        number = labels.day(raw.decode("ascii"))
    except ValueError:
        return None
    begins = int(localday.start(number, labels.ZONE).timestamp())
    return number, localday.slots(number, labels.ZONE) == 96, begins


def _second(raw: bytes) -> int | None:
    hour, minute, second = raw[:2], raw[3:5], raw[6:]
    if raw[2:3] != b":" or raw[5:6] != b":" or not (hour + minute + second).isdigit():
        return None
    if len(raw) != 8 or int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        return None
    return int(hour) * 3600 + int(minute) * 60 + int(second)
