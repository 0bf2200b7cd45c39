"""Collecting a connection now, because somebody asks: once, after a collection that runs already."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from wattledger.clock import Clock
from wattledger.collect import Collector
from wattledger.connectors.base import ENDING
from wattledger.errors import LoginRequired, Refused, TryLater, WattledgerError
from wattledger.store.patience import patient
from wattledger.store.sources.connections import ConnectionRow, Connections
from wattledger.store.sources.dispatch import StoreDispatch

LOOK_SECONDS = 0.2
LONGEST = timedelta(seconds=90)
"""for which a collection that runs already is waited for"""


@dataclass(frozen=True, slots=True)
class OnDemand:
    """The collector as the web uses it."""

    dispatch: StoreDispatch
    collector: Collector
    connections: Connections

    async def collect(self, row: ConnectionRow, urgent: bool = True) -> WattledgerError | None:
        """Collect now; one that runs meanwhile counts as this one. `urgent`: whatever the cadence.

        Returns what went wrong. Raises TryLater within a pause that the vendor asked for, LoginRequired and
        Refused where a person has to act first.
        """
        _refuse(row, self.collector.clock)
        began = self.collector.clock.monotonic()
        while (claimed := await self.dispatch.claim_one(row.id)) is None:
            now = await self.connections.get(row.id, row.site)
            if now.last_asked != row.last_asked:
                return TryLater(now.last_error) if now.last_error else None
            _refuse(now, self.collector.clock)
            if self.collector.clock.monotonic() - began > LONGEST.total_seconds():
                raise TryLater("Another collection of this connection is still running; look again later.")
            await asyncio.sleep(LOOK_SECONDS)
        with patient():
            return await self.collector.collect(claimed, urgent=urgent)

    async def tell(self, row: ConnectionRow) -> None:
        """Tell a vendor at once of what was let go, after a collection that runs already.

        Where that fails, the collector tells it again.
        """
        while (claimed := await self.dispatch.claim_one(row.id)) is None:
            if not (await self.connections.get(row.id, row.site)).options.get(ENDING):
                return
            await asyncio.sleep(LOOK_SECONDS)
        with patient():
            await self.collector.collect(claimed)


def _refuse(row: ConnectionRow, clock: Clock) -> None:
    if row.state == "needs_login":
        raise LoginRequired(row.last_error or "This connection needs a new sign-in first.")
    if row.state == "disconnected":
        raise Refused("This connection was disconnected; connect it anew.", "DISCONNECTED", status=409)
    if row.state == "misconfigured":
        raise Refused(row.last_error or "A setting is wrong.", "MISCONFIGURED", status=409)
    if row.paused_until and row.paused_until > clock.now():
        raise TryLater(
            "The vendor asked for a pause; it is asked again after it.", row.paused_until - clock.now()
        )
