"""What needs a person: one alert per trouble, in words. Pure: plain values and an instant in, alerts out.

Every source has an expectation, and its breach is an alert; so is what came and could not be used. An alert
lasts as long as its cause: whoever keeps alerts closes those that are no longer found. Words name instants,
never ages, so that the same trouble reads the same a minute later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from wattledger.localday import zone

Level = Literal["caution", "bad"]
SLACK = timedelta(minutes=9)
"""beyond a source's period until it counts as silent; alerts are looked for every minute"""


class Kind(StrEnum):
    """Kinds of alerts: what a site can mute, and test."""

    SIGN_IN = "token_ending"
    SILENT = "source_silent"
    GAP = "gap"
    REJECTED = "rejected_file"
    OVER = "over_attribution"
    DISK = "disk_low"
    POISON = "poison_payload"


TITLES = {
    Kind.SIGN_IN: "Sign-in ending or needed",
    Kind.SILENT: "Source silent",
    Kind.GAP: "Missing days",
    Kind.REJECTED: "File rejected",
    Kind.OVER: "More explained than metered",
    Kind.DISK: "Disk nearly full",
    Kind.POISON: "File that stops its reader",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """One trouble. `kind` and `subject` tell it from others of its site.

    `sure` is False where nobody watched long enough to say: it keeps an open alert and opens none.
    """

    kind: Kind
    subject: str
    level: Level
    title: str
    since: datetime
    text: str
    todo: str
    link: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """Who judges when: `awake` is since when sources could deliver to us, `tz` the zone of the words."""

    now: datetime
    awake: datetime
    tz: str

    def late(self, since: datetime, every: timedelta) -> bool:
        """Whether the next success after `since` is overdue."""
        return self.now > since + every + SLACK

    def sure(self, every: timedelta) -> bool:
        """Whether we were there for a whole period: after a start, sources get the time to deliver."""
        return self.now > self.awake + every + SLACK

    def moment(self, when: datetime) -> str:
        """`Tue 14 Jul 2026, 06:15`."""
        return moment(when, self.tz)


def moment(when: datetime, tz: str) -> str:
    """An instant by a zone's clock."""
    local = when.astimezone(zone(tz))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


def length(span: timedelta) -> str:
    """A period in words: `5 minutes`, `3 days`."""
    minutes = round(span.total_seconds() / 60)
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes % size == 0 and minutes >= size:
            n = minutes // size
            return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
    return "a minute"
