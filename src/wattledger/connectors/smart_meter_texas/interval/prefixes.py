"""The first three fields of fixed-layout lines -> usage point, day and revision, each part decoded once."""

from __future__ import annotations

from typing import NamedTuple

from wattledger import localday
from wattledger.connectors.smart_meter_texas.interval import labels
from wattledger.connectors.smart_meter_texas.interval.intake import Intake

_MOST = 500_000
_LENGTH = 31
"""of `MM/DD/YYYY,MM/DD/YYYY HH:MM:SS,`"""
_MINUTES = {b" %02d:%02d:" % (h, m): h * 3600 + m * 60 for h in range(24) for m in range(60)}
_SECONDS = {b"%02d," % s: s for s in range(60)}


class Prefix(NamedTuple):
    """What a prefix means; `plain` where the day has 96 quarter-hours."""

    point: int
    day: int
    revision: int
    plain: bool


class _Day(NamedTuple):
    number: int
    plain: bool
    begins: int
    """epoch second"""


class Prefixes:
    """Decodes prefixes for one intake; None where the general reader must judge the line."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._points: dict[bytes, int] = {}
        self._days: dict[bytes, _Day] = {}

    def meaning(self, text: bytes) -> Prefix | None:
        """The meaning of `'ESIID,MM/DD/YYYY,MM/DD/YYYY HH:MM:SS,`."""
        esiid, date, revised = text[: -_LENGTH - 1], text[-_LENGTH:-21], text[-20:-10]
        minutes, seconds = _MINUTES.get(text[-10:-3]), _SECONDS.get(text[-3:])
        if minutes is None or seconds is None or text[-21] != 44:
            return None
        try:
            point = self._points[esiid]
            day, revision = self._days[date], self._days[revised]
        except KeyError:
            return self._learnt(text, esiid, date, revised)
        if not revision.plain:
            moment = labels.revision(text[-20:-1].decode("ascii"))
            return Prefix(point, day.number, moment, day.plain)
        return Prefix(point, day.number, revision.begins + minutes + seconds, day.plain)

    def _learnt(self, text: bytes, esiid: bytes, date: bytes, revised: bytes) -> Prefix | None:
        """The meaning of a prefix with parts that are new."""
        if max(len(self._points), len(self._days)) > _MOST:
            self._points.clear()
            self._days.clear()
        try:
            for part in (date, revised):
                self._days[part] = _day(labels.day(part.decode("ascii")))
            self._points[esiid] = self._intake.point(labels.esiid(esiid.removeprefix(b"'").decode("ascii")))
        except ValueError:
            return None
        return self.meaning(text)


def _day(number: int) -> _Day:
    begins = int(localday.start(number, labels.ZONE).timestamp())
    return _Day(number, localday.slots(number, labels.ZONE) == 96, begins)
