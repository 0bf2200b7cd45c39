"""Makers of Smart Meter Texas files: days with true slots, written in each form in which they come."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache

HEADER = (
    "ESIID,USAGE_DATE,REVISION_DATE,USAGE_START_TIME,USAGE_END_TIME,"
    "USAGE_KWH,ESTIMATED_ACTUAL,CONSUMPTION_SURPLUSGENERATION"
)
OLD_HEADER = (
    "ESIID,USAGE_DATE,USAGE_START_TIME,USAGE_END_TIME,USAGE_KWH,ESTIMATED_ACTUAL,CONSUMPTION_GENERATION"
)
ONCOR = "10443720000000001"
CENTERPOINT = "1008901012126195372100"
FALL, SPRING, NORMAL = date(2025, 11, 2), date(2026, 3, 8), date(2025, 7, 4)
_CLOCK_CHANGES = {
    date(2022, 3, 13): 92, date(2022, 11, 6): 100, date(2023, 3, 12): 92, date(2023, 11, 5): 100,
    date(2024, 3, 10): 92, date(2024, 11, 3): 100, date(2025, 3, 9): 92, date(2025, 11, 2): 100,
    date(2026, 3, 8): 92,
}  # fmt: skip


@dataclass
class Day:
    """One series' day: true Wh by slot (None: blank), with an A or E for each."""

    day: date = NORMAL
    wh: list[int | None] = field(default_factory=list)
    letters: str = ""
    esiid: str = ONCOR
    flow: str = "Consumption"
    revision: datetime | None = None

    def __post_init__(self) -> None:
        self.wh = self.wh or [37 + 11 * slot for slot in range(slots(self.day))]
        self.letters = self.letters or "A" * len(self.wh)
        self.revision = self.revision or datetime(
            self.day.year, self.day.month, self.day.day, 6, 18, 33
        ) + timedelta(1)


def slots(day: date) -> int:
    """92, 96 or 100, from a table of clock changes rather than from a zone library."""
    return _CLOCK_CHANGES.get(day, 96)


def days(first: date, count: int, seed: int = 1, **more: str) -> list[Day]:
    """Days of random energy, `count` of them from `first`."""
    chance = random.Random(seed)
    found = []
    for n in range(count):
        day = first + timedelta(n)
        wh: list[int | None] = [chance.randrange(3000) for _ in range(slots(day))]
        moment = datetime(day.year, day.month, day.day, 6) + timedelta(1, chance.randrange(14000))
        found.append(Day(day, wh, revision=moment, **more))
    return found


@cache
def short(wh: int) -> str:
    """kWh as the raw export prints it: `.145`, `.1`, `0`, `1.204`."""
    text = f"{wh // 1000}.{wh % 1000:03}".rstrip("0").rstrip(".")
    return text.lstrip("0") or "0" if wh else "0"


def padded(wh: int) -> str:
    """kWh as later exports print it: `0.145`."""
    return f"{wh / 1000:.3f}"


@cache
def clock(quarter: int) -> str:
    """`HH:MM` of a quarter-hour of the wall clock."""
    return f"{quarter % 96 // 4:02}:{quarter % 4 * 15:02}"


def labels(day: date) -> list[tuple[int, int, int | None]]:
    """(start quarter, end quarter, true slot or None) in the order and with the quirks SMT prints."""
    if slots(day) == 92:
        return [(q, q + 1, q if q < 8 else None if q < 12 else q - 4) for q in range(96)]
    if slots(day) == 100:
        ends = [*range(1, 9), *range(5, 97)]
        return [(start, end, slot) for slot, (start, end) in enumerate(zip([0, *ends], ends, strict=False))]
    return [(q, q + 1, q) for q in range(96)]


def rows(day: Day, kwh: Callable[[int], str] = short) -> list[str]:
    """The canonical lines of one day, without line ends."""
    head = f"'{day.esiid},{day.day:%m/%d/%Y},{day.revision:%m/%d/%Y %H:%M:%S}"
    found = []
    for start, end, slot in labels(day.day):
        wh = None if slot is None else day.wh[slot]
        tail = ",," if wh is None else f",{kwh(wh)},{day.letters[slot or 0]}"
        found.append(f"{head},{clock(start)},{clock(end)}{tail},{day.flow}")
    return found


def text(lines: Iterable[str], header: str = HEADER, end: str = "\n") -> bytes:
    """A file of these lines."""
    return "".join(line + end for line in (header, *lines)).encode()


def csv(*of: Day, kwh: Callable[[int], str] = short, end: str = "\n") -> bytes:
    """The export of these days, in blocks."""
    return text([row for day in of for row in rows(day, kwh)], end=end)


def interleaved(*of: Day) -> bytes:
    """The same days with their rows dealt out in turn (both flows of a solar home, for example)."""
    return text(row for group in zip(*(rows(day) for day in of), strict=True) for row in group)


def excel(*of: Day) -> bytes:
    """As Excel saves it: no leading zeros in dates and times, no seconds, a 0 before the point, CRLF."""
    found = []
    for day in of:
        assert day.revision
        r = day.revision
        revised = f"{r.month}/{r.day}/{r.year} {r.hour}:{r.minute:02}"
        for row in rows(day):
            esiid, _, _, start, end, kwh, letter, flow = row.split(",")
            used = f"{day.day.month}/{day.day.day}/{day.day.year}"
            kwh = f"0{kwh}" if kwh.startswith(".") else kwh
            times = [f"{int(t[:2])}:{t[3:]}" for t in (start, end)]
            found.append(",".join([esiid, used, revised, *times, kwh, letter, flow]))
    return text(found, end="\r\n")


def older(*of: Day) -> bytes:
    """The report before 2019: no revision, ISO dates, blanks before times, kWh with many zeros."""
    found = []
    for day in of:
        for start, end, slot in labels(day.day):
            wh = None if slot is None else day.wh[slot]
            kwh = "" if wh is None else f" {wh / 1000:019.3f}"
            letter = "" if wh is None else day.letters[slot or 0]
            times = f" {clock(start)}, {clock(end)}"
            found.append(f"{day.esiid},{day.day:%Y-%m-%d},{times},{kwh},{letter},{day.flow}")
    return text(found, header=OLD_HEADER)


def big(esiids: int, count: int, first: date = date(2025, 1, 1)) -> bytes:
    """A canonical file of many meters for benchmarks; 96 x esiids x count rows or so."""
    return csv(*(day for n in range(esiids) for day in days(first, count, seed=n, esiid=f"1044372{n:010d}")))


def true_days(of: Sequence[Day]) -> dict[tuple[str, int, date], list[int | None]]:
    """What a ledger must hold for these days: Wh by slot."""
    return {(d.esiid, 1 if d.flow == "Consumption" else 19, d.day): d.wh for d in of}
