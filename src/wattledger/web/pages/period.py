"""A stretch of local days that one page shows: a day, a week (from Sunday), a month or a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, get_args

By = Literal["day", "week", "month", "year"]
Step = Literal["interval", "hour", "day", "month"]

WAYS: tuple[By, ...] = get_args(By)
_STEPS: dict[By, Step] = {"day": "interval", "week": "hour", "month": "day", "year": "month"}
_WORDS: dict[Step, str] = {
    "interval": "Every quarter-hour",
    "hour": "Every hour",
    "day": "Every day",
    "month": "Every month",
}
_FIRST, _LAST = date(1990, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True, slots=True)
class Period:
    """Local days `start` up to but without `end`."""

    by: By
    start: date
    end: date

    @classmethod
    def around(cls, by: By, day: date) -> Period:
        """The period of that kind which holds `day`; days outside 1990 to 2099 are moved to the edge."""
        return cls._holding(by, min(max(day, _FIRST), _LAST))

    @classmethod
    def _holding(cls, by: By, day: date) -> Period:
        if by == "day":
            return cls(by, day, day + timedelta(days=1))
        if by == "week":
            first = day - timedelta(days=(day.weekday() + 1) % 7)
            return cls(by, first, first + timedelta(days=7))
        if by == "month":
            first = day.replace(day=1)
            return cls(by, first, (first + timedelta(days=32)).replace(day=1))
        return cls(by, date(day.year, 1, 1), date(day.year + 1, 1, 1))

    @property
    def step(self) -> Step:
        """What one bar of this period's chart is."""
        return _STEPS[self.by]

    @property
    def heading(self) -> str:
        """What the chart shows, in words: `Every hour`."""
        return _WORDS[self.step]

    @property
    def days(self) -> list[date]:
        """Every local day of the period."""
        return _days(self.start, self.end)

    def previous(self) -> Period:
        """The one before."""
        return Period._holding(self.by, self.start - timedelta(days=1))

    def next(self) -> Period:
        """The one after."""
        return Period._holding(self.by, self.end)

    @property
    def title(self) -> str:
        """The period in words: `Tuesday 14 July 2026`, `12 to 18 July 2026`, `July 2026`, `2026`."""
        if self.by == "day":
            return f"{self.start:%A} {self.start.day} {self.start:%B %Y}"
        if self.by == "week":
            return _span(self.start, self.end - timedelta(days=1))
        return f"{self.start:%B %Y}" if self.by == "month" else f"{self.start.year}"


@lru_cache(maxsize=64)
def _days(start: date, end: date) -> list[date]:
    return [start + timedelta(days=i) for i in range((end - start).days)]


def _span(first: date, last: date) -> str:
    end = f"{last.day} {last:%B %Y}"
    if first.year != last.year:
        return f"{first.day} {first:%B %Y} to {end}"
    return f"{first.day} to {end}" if first.month == last.month else f"{first.day} {first:%B} to {end}"
