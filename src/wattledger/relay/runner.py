"""One cycle at a time and at most one waiting: a storm of triggers becomes two cycles."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from wattledger.clock import token
from wattledger.relay.cycle import Job
from wattledger.relay.report import Line, Report

REMEMBERED = 500
LOG = structlog.get_logger("wattledger.relay")


@dataclass
class Run:
    """One run, as `GET /runs/{id}` tells it. state: queued, running, done."""

    job: Job
    state: str = "queued"
    line: Line | None = None
    askers: int = 1
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def as_json(self) -> dict[str, Any]:
        found = {"run": self.job.id, "state": self.state, "reason": self.job.reason, "askers": self.askers}
        return {**found, "result": self.line} if self.line else found


class Runner:
    """Runs jobs in the order of their coming, cycles coalesced. `loop` is a task of the service."""

    def __init__(self, cycle: Callable[[Job], Awaitable[Line]]) -> None:
        self._cycle = cycle
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._waiting: Run | None = None
        self._wake = asyncio.Event()
        self.running: Run | None = None

    def ask(self, reason: str, *, fetch: bool = True) -> Run:
        """A run that begins after this call: the waiting one where there is one, else a new one."""
        waiting = self._waiting
        if waiting is not None:
            waiting.askers += 1
            if fetch and not waiting.job.fetch:
                waiting.job = Job(waiting.job.id, reason)
            return waiting
        self._waiting = run = Run(Job(token(12), reason, fetch))
        self.remember(run)
        self._wake.set()
        return run

    def remember(self, run: Run) -> None:
        """Makes a run known to `find`; the oldest are forgotten."""
        self._runs[run.job.id] = run
        while len(self._runs) > REMEMBERED:
            self._runs.popitem(last=False)

    def find(self, run_id: str) -> Run | None:
        return self._runs.get(run_id)

    async def loop(self) -> None:
        """Runs what waits, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            run, self._waiting = self._waiting, None
            if run is not None:
                await self.perform(run)

    async def perform(self, run: Run) -> None:
        """One run, to its end."""
        run.state, self.running = "running", run
        try:
            run.line = await self._cycle(run.job)
        except Exception as error:
            LOG.exception("A run ended with a fault of our own; the next one goes on.", run=run.job.id)
            report = Report(errors=[f"A fault of our own ({type(error).__name__}); see the journal."])
            run.line = report.line(reason=run.job.reason, run=run.job.id)
        finally:
            run.state, self.running = "done", None
            run.finished.set()
