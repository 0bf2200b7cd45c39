"""Takes what lies in out/ to the hub, several at a time, and decides what each failure means."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from wattledger.clock import Clock
from wattledger.errors import BadPayload, LoginRequired, Misconfigured, TryLater, WattledgerError
from wattledger.relay.hub import Hub
from wattledger.relay.item import Item
from wattledger.relay.pause import REFUSED, Pause, backoff, due
from wattledger.relay.report import Report
from wattledger.relay.spool import Spool
from wattledger.relay.stream import Stream, together
from wattledger.relay.wire import Letter, ReceiptMismatch

AT_ONCE = 4
IN_A_ROW = 3
"""failures without a success between them after which the hub is left alone for a while"""


class Delivery:
    """One round over the due payloads."""

    def __init__(self, spool: Spool, hub: Hub, pause: Pause, clock: Clock, report: Report) -> None:
        self._spool = spool
        self._hub = hub
        self._pause = pause
        self._clock = clock
        self._report = report
        self._failures = 0
        self._stopped = False

    async def run(self, ready: Stream, at_once: bool = False) -> None:
        """Sends what comes; stops early when the hub as a whole does not take anything.

        `at_once` skips a pause of our own making.
        """
        if (reason := self._pause.active(only_wished=at_once)) is not None:
            await self._wait(ready, reason)
            return
        await together(*(self._work(ready) for _ in range(AT_ONCE)))

    async def _wait(self, ready: Stream, reason: str) -> None:
        """Count what waits."""
        waiting = 0
        while await ready.take(1):
            waiting += 1
        if waiting:
            self._report.stop(TryLater(f"{waiting} files wait: {reason}"))

    def due(self, at_once: bool = False) -> list[Item]:
        """What lies in out/ and may be sent now (`at_once`: all); to be asked before anything is added."""
        now = self._clock.now().timestamp()
        return [item for item in self._spool.items("out") if at_once or due(item.next_try, now)]

    async def _work(self, ready: Stream) -> None:
        while not self._stopped and (items := await ready.take(1)):
            await self._one(items[0])

    async def _one(self, item: Item) -> None:
        try:
            letter = Letter(item, await asyncio.to_thread(self._spool.path("out", item.id).read_bytes))
            receipt = await self._hub.deliver(letter)
        except BadPayload as error:
            await asyncio.to_thread(self._spool.set_aside, item, error.code, str(error))
            self._report.fail(item.name, error.code, str(error))
            self._failures = 0
        except (LoginRequired, Misconfigured) as error:
            self._stop(error, REFUSED)
        except TryLater as error:
            await asyncio.to_thread(self._later, item, error)
        else:
            stamp = {"hub_id": receipt.id, "sha256": receipt.sha256, "duplicate": receipt.duplicate}
            await asyncio.to_thread(self._spool.received, item, stamp)
            self._success()

    def _success(self) -> None:
        self._report.sent += 1
        if self._failures or self._report.sent == 1:
            self._pause.end()
        self._failures = 0

    def _later(self, item: Item, error: TryLater) -> None:
        item.attempts += 1
        item.next_try = self._clock.now().timestamp() + backoff(item.attempts)
        code = "receipt" if isinstance(error, ReceiptMismatch) else "hub"
        item.code, item.last_error = code, str(error)
        self._spool.note(item)
        self._report.fail(item.name, code, str(error))
        self._failures += 1
        if error.after is not None or self._failures >= IN_A_ROW:
            self._stop(error, error.after)

    def _stop(self, error: WattledgerError, wait: timedelta | None) -> None:
        if not self._stopped:
            self._stopped = True
            wished = isinstance(error, TryLater) and error.after is not None
            self._pause.begin(str(error), wait, wished=wished)
            self._report.stop(error)
