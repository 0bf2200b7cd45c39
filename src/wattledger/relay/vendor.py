"""Calls of the vendor's API that the hub asks for: made here alone, answered on the one road as a payload."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from wattledger import localday
from wattledger.clock import Clock, token
from wattledger.config import Settings
from wattledger.connectors.smart_meter_texas.api import client as api
from wattledger.connectors.smart_meter_texas.api.client import SmtClient, make_client
from wattledger.connectors.smart_meter_texas.api.requests import Requester, calls
from wattledger.connectors.smart_meter_texas.interval.labels import ZONE
from wattledger.connectors.smart_meter_texas.reasons import REQUEST
from wattledger.errors import Misconfigured, Refused, WattledgerError
from wattledger.relay.cycle import Job
from wattledger.relay.item import Item
from wattledger.relay.runner import Run, Runner
from wattledger.relay.spool import Spool

LOG = structlog.get_logger("wattledger.relay")
MOST_WAITING = 100
LOCK_SECONDS = 600
_LEFT = "The vendor takes no more today; ask again tomorrow for the rest."
SAFE = re.compile(r"[^A-Za-z0-9_-]")


class Answer(Protocol):
    """What one call brought: the vendor's bytes and the transaction they belong to."""

    @property
    def trans_id(self) -> str: ...

    @property
    def body(self) -> bytes: ...

    @property
    def left(self) -> int: ...


Perform = Callable[[str, dict[str, Any]], Awaitable[Answer]]


class VendorCalls:
    """A queue of API calls, one at a time, beside the cycles. A call that was begun is never repeated."""

    def __init__(self, perform: Perform, spool: Spool, runner: Runner, clock: Clock) -> None:
        self._perform = perform
        self._spool = spool
        self._runner = runner
        self._clock = clock
        self._queue: asyncio.Queue[tuple[Run, dict[str, Any]]] = asyncio.Queue(MOST_WAITING)

    def ask(self, request: dict[str, Any]) -> Run:
        """A run for this request. Raises Refused 429 when too many wait."""
        run = Run(Job(token(12), REQUEST))
        try:
            self._queue.put_nowait((run, request))
        except asyncio.QueueFull:
            raise Refused(
                f"{MOST_WAITING} requests wait already; ask again later.", "BUSY", status=429
            ) from None
        self._runner.remember(run)
        return run

    async def loop(self) -> None:
        """Performs what waits, for ever."""
        while True:
            run, request = await self._queue.get()
            run.state = "running"
            run.line = await self._one(request)
            run.state = "done"
            run.finished.set()

    async def _one(self, request: dict[str, Any]) -> dict[str, Any]:
        kind = str(request["kind"])
        try:
            answer = await self._perform(kind, request)
            name = await self._lay(kind, answer)
        except WattledgerError as error:
            return {"status": "failed", "kind": kind, "error": str(error), "outcome": type(error).__name__}
        except Exception as error:
            LOG.exception("A vendor call ended with a fault of our own; the next one goes on.", kind=kind)
            text = f"A fault of our own ({type(error).__name__}); see the journal."
            return {"status": "failed", "kind": kind, "error": text, "outcome": "fault"}
        self._runner.ask(REQUEST, fetch=False)
        done = {"status": "ok", "kind": kind, "trans_id": answer.trans_id, "filename": name}
        if answer.left:
            return done | {"status": "partial", "left": answer.left, "error": _LEFT}
        return done

    async def _lay(self, kind: str, answer: Answer) -> str:
        name = f"api_{SAFE.sub('_', kind)}_{SAFE.sub('_', answer.trans_id)[:64]}.json"
        digest = hashlib.sha256(answer.body).hexdigest()
        now = self._clock.now().timestamp()
        item = Item(f"api-{digest[:32]}-{token(6)}", name, "api", len(answer.body), int(now))
        item.stage, item.sha256, item.fetched_at = "out", digest, now
        async with self._spool.held(LOCK_SECONDS):
            await asyncio.to_thread(self._spool.to_deliver, [(item, answer.body)])
        return name


def check(request: dict[str, Any], clock: Clock) -> None:
    """Raises Refused for an unknown kind, or naming the field that is missing or wrong."""
    today = localday.day(localday.today(clock.now(), ZONE))
    calls(str(request["kind"]), request, Requester("relay"), today)


def api_of(settings: Settings, clock: Clock) -> Perform:
    """Calls of the vendor's API with the account of the settings: one client, so one token for all."""
    made: list[SmtClient] = []

    async def perform(kind: str, request: dict[str, Any]) -> Answer:
        if settings.smt_password is None:
            raise Misconfigured("SMT_PASSWORD is not set; the Smart Meter Texas API needs it.")
        if not made:
            who = Requester(
                settings.smt_username, settings.smt_requester_type, settings.smt_requestor_auth_id
            )
            password = settings.smt_password.get_secret_value()
            made.append(make_client(settings.smt_api_base_url, who, password, clock))
        return await api.perform(kind, request, made[0])

    return perform
