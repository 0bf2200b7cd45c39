"""What is gathered while one payload is read: rows to be placed, finished blocks, refusals, counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattledger.connectors.smart_meter_texas.interval.labels import ZONE
from wattledger.model import FIXED_ZONE, EnergyDays, Parsed, PointKind, Rejected, UsagePoint

READING, BLANK, FIRST_REFUSAL = 0, 1, 2
"""Row states; FIRST_REFUSAL + c is a row refused for the reason with code c."""

_LISTED = 100


@dataclass(slots=True)
class Rows:
    """n rows whose keys and labels are good, in file order; their energy may still be blank or refused."""

    line: NDArray[np.int64]
    """n: 1-based physical line"""
    point: NDArray[np.int32]
    flow: NDArray[np.int8]
    day: NDArray[np.int32]
    revision: NDArray[np.int64]
    start: NDArray[np.int16]
    """n: quarter of the START label 0..95, -1 where the form has none"""
    end: NDArray[np.int16]
    """n: quarter of the END label 1..96"""
    wh: NDArray[np.int32]
    flag: NDArray[np.uint8]
    state: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.line)

    def where(self, keep: NDArray[np.bool_]) -> Rows:
        """The rows so marked."""
        return Rows(*(getattr(self, name)[keep] for name in self.__slots__))

    @classmethod
    def concat(cls, parts: list[Rows]) -> Rows:
        """All rows of several, by line."""
        if len(parts) == 1:
            return parts[0]
        joined = [np.concatenate([getattr(p, name) for p in parts]) for name in cls.__slots__]
        if (joined[0][1:] > joined[0][:-1]).all():
            return cls(*joined)
        order = np.argsort(joined[0], kind="stable")
        return cls(*(column[order] for column in joined))


class Refusals:
    """Refused rows by reason; the first offending value is kept as an example."""

    where = ""
    """put before reasons: the member of an archive that is being read"""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: list[str] = []
        self._lines: list[list[NDArray[np.int64]]] = []

    def code(self, reason: str, example: str | None = None) -> int:
        """The code of a reason, new or known."""
        reason = self.where + reason
        found = self._codes.get(reason)
        if found is None:
            found = self._codes[reason] = len(self._texts)
            shown = f" (for example {example[:40]!r})" if example else ""
            self._texts.append(f"{reason}{shown}")
            self._lines.append([])
        return found

    def add(self, code: int, lines: NDArray[np.int64]) -> None:
        """Refuse these lines for the reason with that code."""
        if len(lines):
            self._lines[code].append(lines)

    def add_coded(self, codes: NDArray[np.int16], lines: NDArray[np.int64]) -> None:
        """Refuse lines, each for the reason of its own code."""
        for code in np.unique(codes):
            self.add(int(code), lines[codes == code])

    def count(self) -> int:
        """How many rows were refused."""
        return sum(len(lines) for parts in self._lines for lines in parts)

    def absorb(self, other: Refusals) -> None:
        """Take over another's refusals, whose reasons name where they arose."""
        for text, lines in zip(other._texts, other._lines, strict=True):
            code = self._codes.setdefault(text, len(self._texts))
            if code == len(self._texts):
                self._texts.append(text)
                self._lines.append([])
            self._lines[code] += lines

    def listed(self) -> list[Rejected]:
        """Every reason that refused a row, by its first line."""
        found = [
            _rejected(text, np.sort(np.concatenate(lines)))
            for text, lines in zip(self._texts, self._lines, strict=True)
            if lines
        ]
        return sorted(found, key=lambda r: (r.line, r.reason))


def _rejected(reason: str, lines: NDArray[np.int64]) -> Rejected:
    return Rejected(int(lines[0]), reason, len(lines), tuple(int(n) for n in lines[:_LISTED]))


@dataclass
class Intake:
    """One payload's gatherings, shared by every form's reader and by the members of an archive."""

    rows: list[Rows] = field(default_factory=list)
    blocks: list[EnergyDays] = field(default_factory=list)
    refusals: Refusals = field(default_factory=Refusals)
    notes: list[str] = field(default_factory=list)
    esiids: dict[str, int] = field(default_factory=dict)
    total: int = 0
    blank: int = 0
    finer: int = 0
    """readings whose kWh was finer than a watt-hour"""

    def point(self, esiid: str) -> int:
        """The index of an ESIID among this payload's usage points."""
        return self.esiids.setdefault(esiid, len(self.esiids))

    def note(self, text: str) -> None:
        """A diagnostic for people, once."""
        if text not in self.notes:
            self.notes.append(text)

    def absorb(self, other: Intake) -> None:
        """Take over what another intake gathered; it began with this one's usage points."""
        self.esiids = other.esiids
        self.rows += other.rows
        self.blocks += other.blocks
        self.refusals.absorb(other.refusals)
        for text in other.notes:
            self.note(text)
        self.total += other.total
        self.blank += other.blank
        self.finer += other.finer

    def parsed(self, kind: str = "interval") -> Parsed:
        """The outcome. Rows must have been placed."""
        if self.finer:
            self.note(f"{self.finer} values were finer than a watt-hour and were rounded to the nearest.")
        return Parsed(
            points=[meter(e) for e in self.esiids],
            days=EnergyDays.concat(self.blocks),
            rejected=self.refusals.listed(),
            rows=self.total,
            blank=self.blank,
            kind=kind,
            notes=self.notes,
        )


def meter(esiid: str) -> UsagePoint:
    """The usage point of an ESIID; its days are Central days, as its utility reads them."""
    return UsagePoint(PointKind.METER, esiid, f"Meter …{esiid[-4:]}", ZONE, FIXED_ZONE)
