"""A home whose sources deliver as they should, minute by minute, with the small delays of real life."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattledger import localday
from wattledger.insight.alert_findings import Facts, Gaps, missing_days
from wattledger.insight.expectations import Car, Meter, Relay, Source, Unit

TZ = "America/Chicago"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SLEEPS = (timedelta(minutes=30), timedelta(hours=2), timedelta(hours=8), timedelta(hours=24))


@dataclass
class Home:
    """`stopped` names what delivers no more. Step it by minutes; ask for `facts` at any of them."""

    start: datetime
    seed: int
    stopped: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.now = self.start
        self.cloud = self.account = self.relay = self.start
        self.cloud_next, self.relay_next = self.start, self.start
        self.car_heard, self.car_due = self.start, self.start
        self.token_set = self.start
        self.days: dict[int, int] = {}
        self.first = localday.today(self.start, TZ) - 40
        for day in range(self.first, self.first + 38):
            self.days[day] = localday.slots(day, TZ)
        self.arrivals: dict[int, datetime] = {}
        self.unit = self.start

    def step(self) -> None:
        """One minute later."""
        self.now += MINUTE
        self._polls()
        self._relay()
        self._meter()
        if "unit" not in self.stopped:
            self.unit = self.now
        if self.now - self.token_set > timedelta(hours=17):
            self.token_set = self.now

    def _polls(self) -> None:
        if "cloud" not in self.stopped and self.now >= self.cloud_next:
            self.cloud = self.now + self.chance.random() * MINUTE
            since = (self.now - self.start) % timedelta(minutes=5)
            self.cloud_next = self.now - since + timedelta(minutes=5 if self.chance.random() < 0.98 else 7)
        if "account" not in self.stopped and self.now - self.account >= timedelta(minutes=30):
            self.account = self.now + self.chance.random() * MINUTE
            if self.now >= self.car_due and "car" not in self.stopped:
                self.car_heard = self.now
                self.car_due = self.now + self.chance.choice(SLEEPS)

    def _relay(self) -> None:
        if "relay" not in self.stopped and self.now >= self.relay_next:
            self.relay = self.now + self.chance.random() * 6 * MINUTE
            self.relay_next += timedelta(minutes=30)

    def _meter(self) -> None:
        if "meter" in self.stopped:
            return
        today = localday.today(self.now, TZ)
        for day in range(today - 4, today):
            if day not in self.days and day not in self.arrivals:
                end = localday.start(day + 1, TZ)
                self.arrivals[day] = end + timedelta(hours=6 + 30 * self.chance.random() ** 2)
        for day, at in list(self.arrivals.items()):
            if self.now >= at:
                self.days[day] = localday.slots(day, TZ)
                del self.arrivals[day]

    def facts(self) -> Facts:
        """What a look sees now."""
        half = timedelta(minutes=30)
        ends = self.token_set + DAY
        cloud = min(self.cloud, self.now)
        newest = max(self.days)
        lacking = missing_days(self.days, max(self.first, newest - 30), newest, TZ)
        return Facts(
            sources=[
                Source("c", "SmartThings", "ok", cloud, self.start, timedelta(minutes=5), ends=ends),
                Source("a", "Smartcar", "ok", min(self.account, self.now), self.start, half),
            ],
            cars=[Car("v", "Car", self.car_due, half, self.start, self.car_heard)],
            units=[
                Unit("u", "Unit", timedelta(minutes=5), unread=None if self.unit == self.now else self.unit)
            ],
            relays=[Relay("edge", min(self.relay, self.now), min(self.relay, self.now), half)],
            meters=[Meter("m", "Meter", localday.start(newest + 1, TZ), self.start, True)],
            gaps=[Gaps("m", "Meter", TZ, lacking)],
        )


def local(year: int, month: int, day: int) -> datetime:
    """Midnight in Texas."""
    return datetime(year, month, day, tzinfo=ZoneInfo(TZ))
