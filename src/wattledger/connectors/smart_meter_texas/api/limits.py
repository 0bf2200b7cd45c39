"""The vendor's limits, kept on our side because it drops what is over them without a word.

They hold for one process: a restarted one begins anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from wattledger import localday
from wattledger.clock import Clock
from wattledger.connectors.smart_meter_texas.api.requests import ApiCall
from wattledger.connectors.smart_meter_texas.interval.labels import ZONE
from wattledger.errors import TryLater
from wattledger.faults import sabotaged

ON_DEMAND_GAP = timedelta(minutes=30)
"""two on-demand reads an hour"""


class ApiLimits:
    """What this process has used today of the backfill table, and when each meter was last read on demand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._day = 0
        self._used = 0.0
        self._read_at: dict[str, datetime] = {}

    def take(self, call: ApiCall) -> None:
        """Books one call. Raises TryLater, saying when, where the vendor would drop it."""
        if call.share:
            self._take_share(call.share)
        if call.path == "/v2/odr/":
            self._take_read(str(call.body["ESIID"]))

    def _take_share(self, share: float) -> None:
        now = self._clock.now()
        today = localday.today(now, ZONE)
        if today != self._day:
            self._day, self._used = today, 0.0
        if self._used + share > 1 + 1e-9 and not sabotaged("day_limit"):
            wait = localday.start(today + 1, ZONE) - now
            raise TryLater("Today's backfill requests to Smart Meter Texas are used up; ask tomorrow.", wait)
        self._used += share

    def _take_read(self, esiid: str) -> None:
        now = self._clock.now()
        self._read_at = {e: at for e, at in self._read_at.items() if now - at < ON_DEMAND_GAP}
        last = self._read_at.get(esiid)
        if last is not None:
            wait = ON_DEMAND_GAP - (now - last)
            raise TryLater("Smart Meter Texas reads a meter on demand twice an hour at most.", wait)
        self._read_at[esiid] = now
