"""One collection: the device list, then the statuses that it did not carry, many at once but paced.

One device's error, null or timeout is a payload of its own and touches no other. A 429 stops further calls:
what is left is asked first the next time.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiolimiter import AsyncLimiter

from wattledger.connectors.base import Account
from wattledger.connectors.http import HttpAnswer, exchange
from wattledger.connectors.reading import mapping
from wattledger.connectors.smartthings.answers import WHO, opened, pause
from wattledger.connectors.smartthings.devices import Device, Places, device_of, measures, to_header
from wattledger.connectors.smartthings.pages import DECLINED, Page, pages
from wattledger.connectors.smartthings.parse import DEVICES, HEALTH, STATUS, TROUBLE
from wattledger.connectors.smartthings.places import PlaceCache
from wattledger.connectors.smartthings.reading import instant
from wattledger.connectors.smartthings.status import inline
from wattledger.connectors.sse import Heard
from wattledger.errors import BadPayload, LoginRequired, TryLater, WattledgerError
from wattledger.faults import sabotaged
from wattledger.model import Payload, Source

NAME = "smartthings"
MOST_KEPT = 64 * 1024
"""bytes kept of an answer that is no status"""
QUIET_FOR = timedelta(minutes=15)
"""a device that said nothing for so long may be offline: its health is asked"""
DECLINED_FOR = timedelta(hours=6)
_STAMP = re.compile(rb'"timestamp"\s*:\s*"([0-9TZ:.+-]{10,40})"')


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard one account is asked."""

    width: int = 8
    """calls at once"""
    per_second: float = 50.0
    seconds: float = 20.0
    """the longest that one device may take"""
    wait: float = 5.0
    """seconds of the longest pause that is waited for in place"""


@dataclass(slots=True)
class Memory:
    """What one process remembers between collections: names of places, and who was left out."""

    places: PlaceCache = field(default_factory=PlaceCache)
    left: dict[str, tuple[str, ...]] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)
    """connection -> the subscription that was made for its events"""
    heard: Heard = field(default_factory=Heard)
    """events that were pushed and delivered"""
    declined: dict[str, datetime] = field(default_factory=dict)
    """connection -> until when its lists are asked for without statuses"""


@dataclass(slots=True)
class Round:
    """One collection of one account."""

    account: Account
    memory: Memory
    pace: Pace
    gate: asyncio.Semaphore = field(init=False)
    limiter: AsyncLimiter = field(init=False)
    stopped: TryLater | None = None
    left: list[str] = field(default_factory=list)
    good: int = 0
    bad: int = 0

    def __post_init__(self) -> None:
        self.gate = asyncio.Semaphore(self.pace.width)
        self.limiter = AsyncLimiter(max(1.0, self.pace.per_second), 1.0)

    async def payloads(self) -> AsyncGenerator[Payload]:
        """All that the account has to say. Raises LoginRequired, TryLater, Refused, after what came."""
        waiting: list[tuple[Device, Places]] = []
        trouble: WattledgerError | None = None
        try:
            async with aclosing(self._pages()) as found:
                async for page in found:
                    payload, devices = await self._page(page)
                    yield payload
                    if not page.good:
                        raise TryLater(
                            f"{WHO} answered with what is no device list; it is asked again later."
                        )
                    waiting += devices
        except LoginRequired:
            raise
        except WattledgerError as error:
            trouble = error
        async with aclosing(self._statuses(self._first_those_left(waiting))) as said:
            async for payload in said:
                yield payload
        self._remember_left()
        if failed := self.stopped or trouble or self._none_answered():
            raise failed

    async def _pages(self) -> AsyncGenerator[Page]:
        """Good pages; without statuses where the vendor has declined to send them along."""
        account, declined = self.account, self.memory.declined
        together = declined.get(account.connection, account.now) <= account.now
        async with aclosing(pages(account, together)) as found:
            async for page in found:
                if together and page.answer.status in DECLINED:
                    declined[account.connection] = account.now + DECLINED_FOR
                    break
                self._refuse(page.answer)
                yield page
            else:
                return
        async with aclosing(pages(account, together=False)) as plain:
            async for page in plain:
                self._refuse(page.answer)
                yield page

    async def _page(self, page: Page) -> tuple[Payload, list[tuple[Device, Places]]]:
        """The page as a payload, and its devices that came without a status."""
        items = [mapping(item) for item in page.items]
        devices = [(device, item) for item in items if (device := device_of(item))]
        places = await self.memory.places.resolve(self.account, {d.location for d, _ in devices})
        without = [
            (device, places.only([device.location]))
            for device, item in devices
            if measures(item) and not inline(item)
        ]
        return self._payload(DEVICES, page.answer, {"places": places.to_header()}), without

    def _refuse(self, answer: HttpAnswer) -> None:
        """Raises what an error in place of a page means; after a 429 nothing else is asked."""
        if not 200 <= answer.status < 300:
            try:
                opened(answer, self.account.now)
            except TryLater as error:
                self.stopped = error if answer.status == 429 else None
                raise

    def _remember_left(self) -> None:
        self.memory.left.pop(self.account.connection, None)
        if self.left:
            self.memory.left[self.account.connection] = tuple(self.left)

    def _first_those_left(self, waiting: list[tuple[Device, Places]]) -> list[tuple[Device, Places]]:
        before = set(self.memory.left.get(self.account.connection, ()))
        return sorted(waiting, key=lambda one: one[0].id not in before)

    async def _statuses(self, devices: list[tuple[Device, Places]]) -> AsyncGenerator[Payload]:
        tasks = [asyncio.create_task(self._device(device, places)) for device, places in devices]
        try:
            for done in asyncio.as_completed(tasks):
                for payload in await done:
                    yield payload
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _device(self, device: Device, places: Places) -> list[Payload]:
        """A device's status, and its health where it is in doubt; or its trouble. Raises LoginRequired."""
        headers = {"places": places.to_header(), "device": to_header(device)}
        answer: HttpAnswer | None = None
        async with self.gate:
            if self.stopped:
                self.left.append(device.id)
                return []
            try:
                answer = await self._get(f"/v1/devices/{device.id}/status")
                if not isinstance(opened(answer, self.account.now).get("components"), dict):
                    raise BadPayload("SmartThings answered a status without components.")
            except LoginRequired:
                raise
            except WattledgerError as error:
                if sabotaged("device_isolation"):
                    raise
                return self._failed(device, headers, answer, error)
            self.good += 1
            return [self._payload(STATUS, answer, headers), *await self._health(device, headers, answer)]

    def _failed(
        self, device: Device, headers: Mapping[str, str], answer: HttpAnswer | None, error: WattledgerError
    ) -> list[Payload]:
        if answer is not None and answer.status == 429 and isinstance(error, TryLater):
            self.stopped = error
            self.left.append(device.id)
        self.bad += 1
        told = {**headers, "reason": str(error), "status": str(answer.status) if answer else ""}
        return [self._payload(TROUBLE, answer, told)]

    async def _health(self, device: Device, headers: Mapping[str, str], status: HttpAnswer) -> list[Payload]:
        """The health answer of a device that has been quiet; nothing where it can't be had."""
        if not _quiet(status.body, self.account) or self.stopped:
            return []
        with suppress(WattledgerError):
            answer = await self._get(f"/v1/devices/{device.id}/health")
            opened(answer, self.account.now)
            return [self._payload(HEALTH, answer, headers)]
        return []

    async def _get(self, path: str) -> HttpAnswer:
        """One paced call with a deadline; a short 429 is waited out once."""
        answer = await self._once(path)
        wish = pause(answer, self.account.now) if answer.status == 429 else None
        if wish is not None and wish.total_seconds() <= self.pace.wait:
            await asyncio.sleep(wish.total_seconds())
            answer = await self._once(path)
        return answer

    async def _once(self, path: str) -> HttpAnswer:
        try:
            async with self.limiter, asyncio.timeout(self.pace.seconds):
                return await exchange(self.account.http, "GET", path)
        except TimeoutError:
            raise TryLater(f"{WHO} did not answer within {self.pace.seconds:g} s.") from None

    def _none_answered(self) -> TryLater | None:
        if self.good or not self.bad:
            return None
        return TryLater(f"None of {self.bad} devices could be read; all are asked again.")

    def _payload(self, kind: str, answer: HttpAnswer | None, headers: Mapping[str, str]) -> Payload:
        body = answer.body if answer else b""
        return Payload(
            NAME,
            Source.POLL,
            body[:MOST_KEPT] if kind == TROUBLE else body,
            self.account.now,
            filename=kind,
            mime=(answer.mime if answer else "") or "application/json",
            headers={**headers, "connection": self.account.connection},
        )


def _quiet(body: bytes, account: Account) -> bool:
    """Whether the newest timestamp of a status is old; ISO texts of one zone sort as their instants."""
    newest = max(_STAMP.findall(body), default=b"").decode("ascii")
    when = instant(newest, account.now)
    return when is None or account.now - when > QUIET_FOR
