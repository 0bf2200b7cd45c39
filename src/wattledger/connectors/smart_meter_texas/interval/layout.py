"""The fixed layout in which SMT exports interval CSV, decoded by arithmetic on whole arrays.

    '10443720000000001,03/01/2022,03/02/2022 06:18:33,00:00,00:15,.145,A,Consumption
    |<---- prefix: one per ESIID, day and revision --->|<- times ->|kWh|<-- tail -->|

Widths are fixed but for the kWh, so each line is checked and decoded with a handful of 8-byte words.
Every line is checked in full; a line of any other form goes to the general reader (`table`), by itself.
A day of exactly 96 lines in order needs no slot logic: its Wh are already the block.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattledger.connectors.smart_meter_texas.interval import header, words
from wattledger.connectors.smart_meter_texas.interval.intake import READING, Intake, Rows
from wattledger.connectors.smart_meter_texas.interval.lines import blank
from wattledger.connectors.smart_meter_texas.interval.prefixes import Prefix, Prefixes
from wattledger.connectors.smart_meter_texas.interval.table import Reader
from wattledger.connectors.smart_meter_texas.interval.words import Lines, Window
from wattledger.model import EnergyDays

Ints = NDArray[np.int64]
_HEADER = header.read(header.CANONICAL)
Meant = list[Prefix | None]

PIECE = 1 << 21
"""Bytes at a time: small enough to stay in the processor's cache."""
_SAMPLE = 8192
_MOST_TIGHTENED = 64 * 1024 * 1024
_STRAYS_AT_ONCE = 20_000
_DAY = 96


def applies(body: bytes) -> bool:
    """Whether the file has the canonical header and begins with lines of this layout."""
    if not body.startswith((header.CANONICAL + b"\n", header.CANONICAL + b"\r\n")):
        return False
    begin = body.find(b"\n") + 1
    sample = body[begin : begin + _SAMPLE]
    if b"\n" not in sample[:4096]:
        return False
    sample = sample[: sample.rfind(b"\n") + 1]
    lines = words.lines(Window(sample, 0, len(sample)))
    return 2 * int(np.count_nonzero(lines.good)) >= len(lines.good)


def tightened(body: bytes) -> bytes:
    """The file without the blank that some exports put before each time; large ones stay as they are."""
    spaced = body.startswith(header.CANONICAL) and b", 0" in body[: len(header.CANONICAL) + _SAMPLE]
    return body.replace(b", ", b",") if spaced and len(body) <= _MOST_TIGHTENED else body


def read(body: bytes, intake: Intake) -> bool:
    """Decode a file to which the layout `applies`; False, the intake untouched, if its form changes."""
    own = Intake(esiids=dict(intake.esiids))
    own.refusals.where = intake.refusals.where
    try:
        _Reading(body, own).run()
    except _FormChangedError:
        return False
    intake.absorb(own)
    return True


class _FormChangedError(Exception):
    """Another header or other line ends within the file, or too many lines that are not of the layout."""


class _Reading:
    def __init__(self, body: bytes, intake: Intake) -> None:
        self.body, self.intake = body, intake
        self.general = Reader(intake, _HEADER)
        self.prefixes = Prefixes(intake)
        self.strays: list[bytes] = []
        self.stray_lines: list[int] = []
        self.flushed = 0

    def run(self) -> None:
        at, line = self.body.find(b"\n") + 1, 2
        while at < len(self.body):
            window = words.Window(self.body, at, min(at + PIECE, len(self.body)))
            lines = words.lines(window)
            bounds = _runs(lines)
            if window.end < len(self.body) and len(bounds) > 2:
                lines, bounds = lines.head(int(bounds[-2])), bounds[:-1]
            self._decode(window, lines, bounds, line)
            at += int(lines.stop[-1] - lines.start[0]) + 1
            line += len(lines.stop)
        self._flush()
        self.general.finish()

    def _decode(self, window: Window, lines: Lines, bounds: Ints, line: int) -> None:
        """One piece: whole days to blocks, other rows to the slot logic, strays to the general reader."""
        begins, prefix_of = lines.prefixes()
        spans = zip(lines.start[begins].tolist(), lines.times[begins].tolist(), strict=True)
        meant = [self.prefixes.meaning(window.text(start, times)) for start, times in spans]
        lines.good &= np.array([p is not None for p in meant], bool)[prefix_of]
        whole = _whole_days(lines, bounds, meant, prefix_of)
        if len(whole):
            of = [meant[k] for k in prefix_of[whole]]
            self.intake.blocks.append(_blocks(lines, whole, of, line))
            self.intake.total += len(whole) * _DAY
        if len(whole) * _DAY < len(lines.stop):
            self._leftovers(window, lines, whole, meant, prefix_of, line)

    def _leftovers(
        self,
        window: Window,
        lines: Lines,
        whole: Ints,
        meant: Meant,
        prefix_of: Ints,
        line: int,
    ) -> None:
        left = np.ones(len(lines.stop), bool)
        left[(whole[:, None] + np.arange(_DAY)).ravel()] = False
        at = np.flatnonzero(left & lines.good)
        start, good = _quarters(lines.begins[at])
        end, end_good = _quarters(lines.ends[at])
        good &= end_good
        at, start, end = at[good], start[good], end[good]
        if len(at):
            self.intake.total += len(at)
            self.intake.rows.append(_rows(lines, at, start, end, meant, prefix_of, line))
        left[at] = False
        for k in np.flatnonzero(left):
            self.strays.append(window.text(lines.start[k], lines.stop[k]).removesuffix(b"\r"))
            self.stray_lines.append(line + int(k))
        if len(self.strays) >= _STRAYS_AT_ONCE:
            if 4 * len(self.strays) > line - self.flushed:
                raise _FormChangedError
            self._flush()
            self.flushed = line

    def _flush(self) -> None:
        kept = [k for k, text in enumerate(self.strays) if _counts(text)]
        numbers = np.array(self.stray_lines, np.int64)[kept]
        self.general.feed([self.strays[k] for k in kept], numbers)
        self.strays, self.stray_lines = [], []


def _counts(text: bytes) -> bool:
    """Whether a stray line is a row: not blank, not the header once more."""
    if b"\r" in text:
        raise _FormChangedError
    if header.mentioned(text):
        again = header.read(text)
        if again.interval and (again.roles, again.width) != (_HEADER.roles, _HEADER.width):
            raise _FormChangedError
        if again.interval:
            return False
    return not blank(text)


def _runs(lines: Lines) -> Ints:
    """Bounds of the runs of lines with one prefix and flow, the end included."""
    fresh = lines.fresh.copy()
    fresh[1:] |= lines.flow[1:] != lines.flow[:-1]
    return np.append(np.flatnonzero(fresh), len(fresh))


def _whole_days(lines: Lines, bounds: Ints, meant: Meant, prefix_of: Ints) -> Ints:
    """First lines of the runs that are one day of 96 good lines in order."""
    first: Ints = bounds[:-1][np.diff(bounds) == _DAY]
    plain = np.array([p is not None and p.plain for p in meant], bool)
    first = first[plain[prefix_of[first]]]
    if len(first) == 0:
        return first
    fits = (_by_day(lines.begins, first) == _LABELS).all(1)
    fits &= (_by_day(lines.ends, first) == np.roll(_LABELS, -1)).all(1)
    kept: Ints = first[fits & _by_day(lines.good, first).all(1)]
    return kept


def _by_day(column: NDArray[Any], first: Ints) -> NDArray[Any]:
    """The column's days that begin at lines `first`, n x 96; without a copy where they adjoin."""
    if len(first) * _DAY == first[-1] + _DAY - first[0]:
        return column[first[0] : first[-1] + _DAY].reshape(-1, _DAY)
    picked: NDArray[Any] = column[first[:, None] + np.arange(_DAY)]
    return picked


def _blocks(lines: Lines, first: Ints, meant: Meant, line: int) -> EnergyDays:
    days = EnergyDays.empty(len(first))
    known = [p for p in meant if p is not None]
    days.point[:] = [p.point for p in known]
    days.day[:] = [p.day for p in known]
    days.revision[:] = [p.revision for p in known]
    days.flow[:] = lines.flow[first]
    days.line[:] = first + line
    days.values[:, :_DAY] = _by_day(lines.wh, first)
    days.flags[:, :_DAY] = _by_day(lines.flag, first)
    return days


_LABELS = np.array(
    [int.from_bytes(f"{q // 4:02}:{q % 4 * 15:02},".encode(), "little") for q in range(_DAY)], np.uint64
)
_ORDER = np.argsort(_LABELS)
_SORTED = _LABELS[_ORDER]


def _quarters(label: NDArray[np.uint64]) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Quarter 0..95 of each six-byte label, and whether it is one."""
    at = np.minimum(np.searchsorted(_SORTED, label), _DAY - 1)
    return _ORDER[at].astype(np.int16), _SORTED[at] == label


def _rows(
    lines: Lines,
    at: Ints,
    start: NDArray[np.int16],
    end: NDArray[np.int16],
    meant: Meant,
    prefix_of: Ints,
    line: int,
) -> Rows:
    """The lines `at` as rows; `start` and `end` are the quarters of their labels."""
    keys = np.array([(p.point, p.day, p.revision) if p else (0, 0, 0) for p in meant], np.int64)
    key = keys[prefix_of[at]]
    return Rows(
        at + line,
        key[:, 0].astype(np.int32),
        lines.flow[at],
        key[:, 1].astype(np.int32),
        key[:, 2],
        start,
        np.where(end == 0, np.int16(_DAY), end),
        lines.wh[at],
        lines.flag[at],
        np.full(len(at), READING, np.int16),
    )
