"""The first line of an SMT CSV: which column is which, by exact name, in any order.

Names are compared in lower case without blanks, `_ . - / ( )`; never by a part of a name, so `Usage Type`
is not taken for the usage.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

NAMES = {
    "esiid": {"esiid", "esi", "esiidnumber"},
    "date": {"usagedate", "date", "servicedate", "readdate"},
    "revision": {"revisiondate", "revisiontimestamp"},
    "start": {"usagestarttime", "starttime", "intervalstarttime", "intervalstart"},
    "end": {"usageendtime", "endtime", "intervalendtime", "intervalend"},
    "kwh": {"usagekwh", "kwh", "intervalkwh", "energykwh", "usage"},
    "quality": {"estimatedactual", "actualestimated"},
    "flow": {"consumptionsurplusgeneration", "consumptiongeneration"},
}
CANONICAL = (
    b"ESIID,USAGE_DATE,REVISION_DATE,USAGE_START_TIME,USAGE_END_TIME,USAGE_KWH,"
    b"ESTIMATED_ACTUAL,CONSUMPTION_SURPLUSGENERATION"
)

_LONGEST = 16 * 1024
_DROPPED = re.compile(r"[\s_.\-/()\xa0\"'\ufeff]+")


WORD = re.compile(rb"k[\s_.\-/()]?wh|usage", re.IGNORECASE)
"""part of the energy column in every spelling, and of no row"""


def mentioned(line: bytes) -> bool:
    """Whether a line may be a header."""
    return WORD.search(line) is not None


@dataclass(frozen=True, slots=True)
class Header:
    """Column numbers by role; `roles` lacks what the file lacks."""

    roles: dict[str, int]
    width: int
    names: tuple[str, ...]
    """normalised"""

    @property
    def interval(self) -> bool:
        """Whether rows under this header are quarter-hour readings."""
        return {"date", "kwh"} <= self.roles.keys() and bool({"start", "end"} & self.roles.keys())

    @property
    def lacks(self) -> str:
        """What an interval file's first line has and this one has not; empty where it names no meter."""
        if "esiid" not in self.roles:
            return ""
        wanted = {"the date": {"date"}, "the energy": {"kwh"}, "the time": {"start", "end"}}
        return " or ".join(words for words, roles in wanted.items() if not roles & self.roles.keys())


def normalised(name: str) -> str:
    """A column's name without what writers vary."""
    return _DROPPED.sub("", name).lower()


def read(line: bytes) -> Header:
    """The columns of a header line. Of two columns of one role the first counts."""
    text = line[:_LONGEST].decode("utf-8", "replace").replace("\0", "")
    cells = next(csv.reader([text.replace("\r", "").replace("\n", "")]), [])
    names = tuple(normalised(cell) for cell in cells)
    roles: dict[str, int] = {}
    for role, known in NAMES.items():
        for at, name in enumerate(names):
            if name in known:
                roles.setdefault(role, at)
    return Header(roles, len(names), names)
