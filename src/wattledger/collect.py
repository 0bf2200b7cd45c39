"""The loop: claim, sign in, fetch, deliver, settle. The only place that decides what an error means.

It knows the Dispatch protocol and connectors, never a store. One connection is one task: a slow or
broken account holds up no other. Nothing is remembered here: a killed loop leaves leases that run out.

    LoginRequired   a refused token is refreshed once and the fetch repeated once; then the owner is asked
    TryLater        also for networks, deadlines and faults of ours: the Dispatch sets the pause
    others          settled as they are: Misconfigured stops the connection, the rest come back later
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import structlog
from httpx2 import TransportError

from wattledger.clock import Clock
from wattledger.connectors.base import ENDING, Account, Connection, Connector, Ends, NextPoll, Token
from wattledger.connectors.dispatch import Dispatch, Points
from wattledger.errors import LoginRequired, Misconfigured, NotFound, Refused, TryLater, WattledgerError
from wattledger.logs import REDACTOR
from wattledger.model import Payload
from wattledger.signing import Clients, SignIn

log = structlog.get_logger(__name__)

Registry = Callable[[str], Connector]

Counted = Callable[[str, WattledgerError | None, float], None]
"""connector, what went wrong, seconds"""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the loop spends its time, in seconds."""

    width: int = 20
    """connections collected at once"""
    pause: float = 5.0
    """between two looks for due connections"""
    renew: float = 20.0
    """between two renewals of a lease: a third of its life"""
    deadline: float = 600.0
    """the longest one connection may take"""
    grace: float = 10.0
    """what running connections get to finish when the loop is told to stop"""
    refresh_again: tuple[float, ...] = (5.0, 10.0, 25.0)
    """pauses before the same refresh is sent again after an unclear answer"""


@dataclass(frozen=True, slots=True)
class Collector:
    """One loop over one Dispatch."""

    dispatch: Dispatch
    registry: Registry
    clock: Clock
    clients: Clients
    pace: Pace = Pace()
    counted: Counted | None = None
    """told of every scheduled collection"""

    @property
    def sign_in(self) -> SignIn:
        """How the tokens of its connections are got."""
        return SignIn(self.dispatch, self.clock, self.clients, self.pace.refresh_again)

    async def run(self, stop: asyncio.Event) -> None:
        """Collect what falls due until `stop` is set; then let what runs finish, or abandon it."""
        running: set[asyncio.Task[None]] = set()
        try:
            while not stop.is_set():
                running |= await self._start(self.pace.width - len(running))
                running = await self._wait(running, stop)
            if running:
                await asyncio.wait(running, timeout=self.pace.grace)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def once(self) -> int:
        """Collect everything that is due now. Returns how many connections were asked."""
        asked = 0
        while tasks := await self._start(self.pace.width):
            asked += len(tasks)
            await asyncio.gather(*tasks)
        return asked

    async def collect(self, connection: Connection, urgent: bool = False) -> WattledgerError | None:
        """Ask one claimed connection's vendor, and settle. Returns what went wrong, None for nothing.

        `urgent`: a person asked, so usage points are asked before they are due.
        """
        again: datetime | None = None
        error: WattledgerError | None = None
        try:
            again = await self._held(connection, urgent)
        except WattledgerError as ours:
            error = ours
        except Exception as fault:
            log.exception("collecting failed", connection=connection.id, connector=connection.connector)
            error = TryLater(
                f"Collecting failed by a fault of ours ({type(fault).__name__}); it is tried again."
            )
        try:
            await self.dispatch.settle(connection, error, again)
        except TryLater as away:  # the lease runs out, and the connection is due again
            log.warning("not settled", connection=connection.id, reason=str(away))
        except Exception:
            log.exception("not settled", connection=connection.id, connector=connection.connector)
        return error

    async def _start(self, limit: int) -> set[asyncio.Task[None]]:
        try:
            claimed = await self.dispatch.claim(limit) if limit > 0 else []
        except TryLater as error:
            log.warning("no connection could be claimed", reason=str(error))
            return set()
        return {asyncio.create_task(self._report(connection)) for connection in claimed}

    async def _report(self, connection: Connection) -> None:
        began = self.clock.monotonic()
        error = await self.collect(connection)
        if self.counted is not None:
            self.counted(connection.connector, error, self.clock.monotonic() - began)
        about = {"connection": connection.id, "connector": connection.connector}
        if error is None:
            log.info("collected", **about)
        else:
            log.warning("not collected", **about, error=type(error).__name__, reason=str(error))

    async def _wait(self, running: set[asyncio.Task[None]], stop: asyncio.Event) -> set[asyncio.Task[None]]:
        """Until told to stop, the pause is over, or a full house has room. Returns what still runs."""
        bell = asyncio.create_task(stop.wait())
        full = running if len(running) >= self.pace.width else set()
        try:
            await asyncio.wait({bell, *full}, timeout=self.pace.pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            bell.cancel()
        return {task for task in running if not task.done()}

    async def _held(self, connection: Connection, urgent: bool) -> datetime | None:
        """Fetch while the lease is kept; a lost lease ends the fetch as a passed deadline does."""
        try:
            async with asyncio.timeout(self.pace.deadline) as limit:
                keeper = asyncio.create_task(self._keep(connection, limit))
                try:
                    return await self._fetch(connection, urgent)
                finally:
                    keeper.cancel()
        except TimeoutError:
            raise TryLater(
                "The vendor took too long, or another process took over; it is tried again."
            ) from None
        except TransportError as error:
            raise _unreachable(error) from None

    async def _keep(self, connection: Connection, limit: asyncio.Timeout) -> None:
        held = True
        while held:
            await asyncio.sleep(self.pace.renew)
            with suppress(TryLater):
                held = await self.dispatch.renew(connection)
        limit.reschedule(0)

    async def _fetch(self, connection: Connection, urgent: bool) -> datetime | None:
        """Sign in and deliver. Returns when to poll next."""
        try:
            connector = self.registry(connection.connector)
        except NotFound as error:
            raise Misconfigured(str(error)) from None
        REDACTOR.register(*connection.secrets.values())
        if connector.grant is None:
            return await self._deliver(connector, connection, None, urgent)
        token = await self.sign_in(connector.grant, connection)
        try:
            return await self._deliver(connector, connection, token, urgent)
        except LoginRequired as error:
            if not error.renewable:
                raise
            token = await self.sign_in(connector.grant, connection, refused=token.generation)
            return await self._deliver(connector, connection, token, urgent)

    async def _deliver(
        self, connector: Connector, connection: Connection, token: Token | None, urgent: bool
    ) -> datetime | None:
        """Deliver all that the vendor says. Returns when to poll next."""
        now = self.clock.now()
        mark = None if connector.every is None else next_mark(connector, now)
        wishes: dict[str, datetime] = {}
        since = None if connection.newest is None else connection.newest - connector.overlap
        async with self.clients(connection, token) as http:
            account = Account(
                http, connection.options, since, now, connection.id, token.extra if token else {}
            )
            if connection.options.get(ENDING) and token is not None:
                await self._end(connector, connection, account, token)
            if connection.removed:
                return None
            if connector.pointwise:
                account = await self._pointwise(account, connection, urgent)
            said = cast("AsyncGenerator[Payload | NextPoll]", connector.fetch(account))
            async with aclosing(said):
                async for item in said:
                    if isinstance(item, Payload):
                        await self._hand_over(connection, item)
                        continue
                    wishes[item.external_id] = item.at  # the last word about each counts
                    if connector.pointwise:
                        await self._points().schedule(connection, item)
        return min([*wishes.values(), *([mark] if mark else [])], default=None)

    async def _end(
        self, connector: Connector, connection: Connection, account: Account, token: Token
    ) -> None:
        """Tell the vendor what was let go; what fails is told again, and a refusal is final.

        It holds up no connection that goes on.
        """
        points = self._points()
        ids = await points.untold(connection)
        try:
            if ids and isinstance(connector, Ends):
                await connector.end(account, token, ids)
        except (LoginRequired, TryLater, Refused) as error:
            log.warning("access not ended at the vendor", connection=connection.id, reason=str(error))
            if isinstance(error, Refused) and error.status < 500:
                await points.told(connection, ids)
            if connection.removed:
                raise
        else:
            await points.told(connection, ids)

    async def _pointwise(self, account: Account, connection: Connection, urgent: bool) -> Account:
        """The account with its usage points, their allowances and whether a person asked."""
        points = self._points()

        async def spend(external_id: str, calls: int) -> int:
            return await points.spend(connection, external_id, calls)

        return replace(account, known=await points.known(connection), urgent=urgent, spend=spend)

    def _points(self) -> Points:
        if not isinstance(self.dispatch, Points):
            raise Misconfigured("This process keeps no schedules by usage point; a hub or worker does.")
        return self.dispatch

    async def _hand_over(self, connection: Connection, payload: Payload) -> None:
        receipt = await self.dispatch.deliver(connection, payload)
        if (receipt.sha256, receipt.size) != (payload.sha256, len(payload.body)):
            raise TryLater("What was archived is not what was sent; it is sent again.")


def next_mark(connector: Connector, now: datetime) -> datetime:
    """When a connector that polls is due again: after its pause, or at the next mark of the clock."""
    assert connector.every is not None
    passed = (now - datetime.fromtimestamp(0, UTC)) % connector.every if connector.aligned else timedelta(0)
    return now - passed + connector.every


def _unreachable(error: TransportError) -> TryLater:
    return TryLater(f"The vendor could not be reached ({type(error).__name__}); it is tried again.")
