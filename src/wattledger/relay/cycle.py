"""One cycle: fetch, open, deliver; then the line that says how it went, logged and sent to the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from wattledger.clock import Clock, token
from wattledger.config import Settings
from wattledger.connectors.smart_meter_texas.drop.folder import Place
from wattledger.connectors.smart_meter_texas.drop.pgp import PgpKeys
from wattledger.errors import TryLater, WattledgerError
from wattledger.faults import fault
from wattledger.relay.deliver import Delivery
from wattledger.relay.durable import durable_write
from wattledger.relay.fetch import Fetch, Folders
from wattledger.relay.hub import Hub
from wattledger.relay.item import Item, remote_key
from wattledger.relay.opening import Opening
from wattledger.relay.pause import Pause
from wattledger.relay.recovery import recover
from wattledger.relay.report import Line, Report
from wattledger.relay.spool import Spool
from wattledger.relay.stream import Stream, together
from wattledger.transport import is_plain

CANARY = "wattledger-canary.txt"
PATIENCE = 150.0
"""seconds to wait for another process that works in the same spool"""
Say = Callable[[Line], None]


@dataclass(frozen=True, slots=True)
class Job:
    """Why a cycle runs, and how much of it: `fetch` false only drains the backlog."""

    id: str
    reason: str = "timer"
    fetch: bool = True

    @property
    def at_once(self) -> bool:
        """Whether an operator asks: only a pause that the hub wished for is kept then."""
        return self.reason == "run_once"


class Cycle:
    """Runs one cycle at a time over one spool. Everything it needs comes from the settings."""

    def __init__(self, settings: Settings, clock: Clock, say: Say, spool: Spool | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._say = say
        self.spool = spool or Spool(inbox(settings), clock)
        self.patience = PATIENCE
        self.pause = Pause(self.spool.root / "pause", clock)

    async def run(self, job: Job) -> Line:
        """One whole cycle; its line. Never raises for a file, a server or a setting: the line tells."""
        begun, report = self._clock.monotonic(), Report()
        async with AsyncExitStack() as stack:
            hub = await self._hub(stack, report)
            try:
                async with self.spool.held(self.patience):
                    await self._stages(job, hub, report)
            except TryLater as error:
                report.stop(error)
            except OSError as error:
                report.stop(TryLater(f"The spool can't be written ({error.strerror}); nothing is lost."))
            waiting, aside = self._left(report)
            line = report.line(
                reason=job.reason,
                run=job.id,
                relay=self._settings.relay_name,
                at=self._clock.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
                seconds=round(self._clock.monotonic() - begun, 3),
                every_minutes=self._settings.relay_every_minutes,
                waiting=waiting,
                set_aside=aside,
            )
            await self._heartbeat(hub, line)
        self._say(line)
        return line

    def _left(self, report: Report) -> tuple[int, int]:
        """How many files wait and how many are set aside; a disk that does not tell is reported."""
        try:
            return self.spool.count("enc") + self.spool.count("out"), self.spool.count("bad")
        except OSError as error:
            report.stop(TryLater(f"The spool can't be read ({error.strerror}); nothing is lost."))
            return 0, 0

    async def take_canary(self, text: bytes) -> None:
        """Lay a deployment test's file into the spool, where fetched files lie."""
        now = self._clock.now()
        second = int(now.timestamp())
        key = remote_key("canary", token(16), len(text), second)
        item = Item(key, CANARY, "canary", len(text), second, source="canary", fetched_at=now.timestamp())
        async with self.spool.held(self.patience):
            part = self.spool.path("part", item.id)
            await asyncio.to_thread(durable_write, part, text)
            await asyncio.to_thread(self.spool.keep, [(item, part)])

    async def _stages(self, job: Job, hub: Hub | None, report: Report) -> None:
        report.warnings += await asyncio.to_thread(recover, self.spool)
        fault("relay.cycle_begun")
        ready = Stream()
        opening = Opening(self.spool, PgpKeys.of(self._settings), self._clock, report, ready)
        taken = Stream(await asyncio.to_thread(opening.due))
        stages = [_until_ended(opening.run(taken), ready)]
        if hub is not None:
            delivery = Delivery(self.spool, hub, self.pause, self._clock, report)
            ready.put(await asyncio.to_thread(delivery.due, job.at_once))
            stages.append(delivery.run(ready, job.at_once))
        fetching = self._fetch(report, taken) if job.fetch else _nothing()
        await together(_until_ended(fetching, taken), *stages)
        await asyncio.to_thread(self.spool.prune)

    async def _fetch(self, report: Report, taken: Stream) -> None:
        s = self._settings
        folders = Folders(s.smt_sftp_remote_dir, s.smt_sftp_report_dir, s.smt_sftp_settle_seconds)
        try:
            await Fetch(self.spool, folders, self._clock, report, taken=taken).run(Place.of(s))
        except WattledgerError as error:
            report.stop(error)

    async def _hub(self, stack: AsyncExitStack, report: Report) -> Hub | None:
        try:
            hub = Hub.of(self._settings, self._clock)
        except WattledgerError as error:
            report.stop(error)
            return None
        if is_plain(self._settings.hub_url or ""):
            report.warnings.append(
                "INTELLIWATT_BASE_URL is plain http: secrets cross the network in clear text."
            )
        return await stack.enter_async_context(hub)

    async def _heartbeat(self, hub: Hub | None, line: Line) -> None:
        if hub is None:
            return
        try:
            await hub.heartbeat(line)
        except WattledgerError as error:
            line["heartbeat"] = f"not taken: {error}"


async def _until_ended(stage: Awaitable[None], following: Stream) -> None:
    """Run a stage; whatever becomes of it, the next one learns that nothing more comes."""
    try:
        await stage
    finally:
        following.end()


async def _nothing() -> None:
    """The stage of a cycle that fetches nothing."""


def inbox(settings: Settings) -> Path:
    """The spool's root: SMT_INBOX_DIR, else `inbox` in the data folder."""
    return settings.smt_inbox_dir or settings.data / "inbox"
