"""One collection of one account: each car that is due is asked once, and none waits for another.

Before a car's calls its attempt is scheduled and its calls are counted, both committed; so a process that
dies in between asks neither twice nor for nothing. One car's trouble stays its own: the account's sign-in is
doubted only where every car's is lost, and only the vendor's word about the application stops all.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from wattledger.connectors.base import Account, NextPoll
from wattledger.connectors.smartcar.answers import WHOLE
from wattledger.connectors.smartcar.cadence import May, Turn
from wattledger.connectors.smartcar.car import LISTED_EVERY, LOST, Car, Said
from wattledger.connectors.smartcar.errors import FIRST_PAUSE, WHO, Then, Trouble
from wattledger.connectors.smartcar.errors import LONGEST_PAUSE as LONGEST_WISH
from wattledger.connectors.smartcar.subscribing import Subscriber
from wattledger.connectors.smartcar.v2 import Batches
from wattledger.connectors.smartcar.v3 import Signals
from wattledger.errors import LoginRequired, Misconfigured, NotFound, TryLater, WattledgerError
from wattledger.faults import fault, sabotaged
from wattledger.model import Payload

WIDTH = 8
"""cars of one account that are asked at once"""
LONGEST_PAUSE = timedelta(hours=1)
"""of the whole application, doubled each time the vendor asks again and names no time"""
RETRY_LIST = timedelta(hours=1)
JUST_RENEWED = timedelta(minutes=5)
"""a token of the application that is refused so soon after it was renewed is refused for our credentials"""


@dataclass(slots=True)
class Memory:
    """What one process remembers between collections; losing it costs some calls."""

    pauses: dict[str, tuple[datetime, int]] = field(default_factory=dict)
    """by vendor's address: until when the application is left alone, and how often in a row"""
    listed: dict[str, datetime] = field(default_factory=dict)
    """connection -> when its list was asked for"""
    subscriber: Subscriber = field(default_factory=Subscriber)

    def pause(self, base: str, now: datetime, wish: timedelta | None) -> None:
        """The vendor asked the application for a pause."""
        _, times = self.pauses.get(base, (now, 0))
        usual = min(FIRST_PAUSE * 2.0 ** min(times, 10), LONGEST_PAUSE)
        self.pauses[base] = (now + (wish or usual), times + 1)

    def left(self, base: str, now: datetime) -> timedelta | None:
        """What is left of a pause; none that is longer than any: it was begun by a clock that was ahead."""
        until, _ = self.pauses.get(base, (now, 0))
        return until - now if now < until <= now + LONGEST_WISH else None

    def calm(self, base: str, now: datetime) -> None:
        """The vendor answered: its next pause begins small."""
        if self.left(base, now) is None:
            self.pauses.pop(base, None)


class Way(Protocol):
    """How one generation of the API asks."""

    def listed(self, cars: list[Car]) -> AsyncGenerator[Payload | set[str]]: ...

    def wanted(self, car: Car) -> tuple[str, ...]: ...

    def cost(self, wanted: tuple[str, ...]) -> int: ...

    async def ask(self, car: Car, wanted: tuple[str, ...]) -> Said: ...

    def regular(self, car: Car, said: Said) -> Turn: ...


@dataclass(slots=True)
class Round:
    """One collection of one account."""

    account: Account
    memory: Memory
    cars: list[Car] = field(init=False)
    way: Way = field(init=False)
    gate: asyncio.Semaphore = field(init=False)
    refused: Trouble | None = None
    """our access token was refused"""
    paused: Trouble | None = None
    """the application is to pause"""

    def __post_init__(self) -> None:
        v3 = self.account.options.get("api") == "v3"
        self.way = Signals(self.account, self.memory.subscriber) if v3 else Batches(self.account)
        self.cars = [Car(known, self.account) for known in self.account.known]
        self.gate = asyncio.Semaphore(WIDTH)

    async def items(self) -> AsyncGenerator[Payload | NextPoll]:
        """All that the account's cars say, and when each is asked again. Raises our errors, after that."""
        self._refuse_while_paused()
        gone: set[str] = set()
        async with aclosing(self._list(gone)) as listed:
            async for item in listed:
                yield item
        due: list[tuple[Car, tuple[str, ...]]] = []
        for car in self.cars:
            wanted = self.way.wanted(car)
            wish = car.gone() if car.id in gone else self._wish(car, wanted)
            if wish is None:
                due.append((car, wanted))
                wish = car.attempt()
            yield wish
        async with aclosing(self._answers(due)) as answers:
            async for item in answers:
                yield item
        for wish in self._lost([car for car, _ in due]):
            yield wish
        self._raise()

    @property
    def _base(self) -> str:
        return str(self.account.http.base_url)

    def _refuse_while_paused(self) -> None:
        left = self.memory.left(self._base, self.account.now)
        if left is not None and not sabotaged("application_pause"):
            raise TryLater(f"{WHO} asked this application for a pause.", self._staggered(left))

    def _staggered(self, pause: timedelta) -> timedelta:
        """A pause that ends for each account at a time of its own."""
        return pause * (1 + zlib.crc32(self.account.connection.encode()) % 50 / 100)

    async def _list(self, gone: set[str]) -> AsyncGenerator[Payload | NextPoll]:
        """The vendor's list, once a day; fills `gone` with cars that it no longer has."""
        now, connection = self.account.now, self.account.connection
        if not self._list_due():
            gone |= {car.id for car in self.cars if car.then is Then.GONE}
            return
        try:
            async with aclosing(self.way.listed(self.cars)) as listed:
                async for item in listed:
                    if isinstance(item, Payload):
                        yield item
                        continue
                    gone |= {car.id for car in self.cars} - item
        except TryLater as error:
            self.memory.listed[connection] = now - LISTED_EVERY + RETRY_LIST
            if error.after is not None:  # a list is of no car: the vendor means all of us
                self.memory.pause(self._base, now, error.after)
                raise
            return
        except LoginRequired:
            self._refuse_application()
            raise
        self.memory.listed[connection] = now
        if self.cars and len(gone) == len(self.cars):  # a list alone ends no account: the cars are asked
            gone.clear()
            self.memory.listed[connection] = now - LISTED_EVERY + RETRY_LIST
            return
        for car in self.cars:
            car.status["listed_at"] = now.isoformat()
            if car.id not in gone and car.then is Then.GONE:
                car.status["trouble"] = None

    def _list_due(self) -> bool:
        at = self.memory.listed.get(self.account.connection)
        if at is not None and self.account.now - LISTED_EVERY < at <= self.account.now:
            return False
        if not self.cars:
            return True
        return any(car.due_since("listed_at", LISTED_EVERY) for car in self.cars)

    def _wish(self, car: Car, wanted: tuple[str, ...]) -> NextPoll | None:
        """When a car that is not asked now is asked; None for one that is."""
        if not wanted:
            return car.nothing_to_ask()
        may = car.may(self.way.cost(wanted))
        if may is May.YES:
            return None
        return car.out_of_calls(self.way.cost(wanted)) if may is May.BUDGET else car.unasked()

    async def _answers(self, due: list[tuple[Car, tuple[str, ...]]]) -> AsyncGenerator[Payload | NextPoll]:
        tasks = [asyncio.create_task(self._car(car, wanted)) for car, wanted in due]
        try:
            for done in asyncio.as_completed(tasks):
                for item in await done:
                    yield item
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _car(self, car: Car, wanted: tuple[str, ...]) -> list[Payload | NextPoll]:
        """What one car says, and when it is asked again; after a word about all, the rest are left."""
        async with self.gate:
            if self.paused or self.refused:
                return [NextPoll(car.id, self.account.now, status=car.status)]
            try:
                if not sabotaged("spend_first"):
                    await car.spend(self.way.cost(wanted))
            except NotFound:
                return []
            fault("smartcar.before_call")
            said = await self._asked(car, wanted)
            if sabotaged("spend_first"):
                await car.spend(self.way.cost(wanted))
        self._heed(said)
        return [*said.payloads, car.settled(said, self.way.regular(car, said))]

    async def _asked(self, car: Car, wanted: tuple[str, ...]) -> Said:
        try:
            return await self.way.ask(car, wanted)
        except WattledgerError:
            if sabotaged("car_isolation"):
                raise
            return Said(troubles={WHOLE: Trouble(Then.LATER, 0, "NETWORK", "NO_ANSWER")})

    def _heed(self, said: Said) -> None:
        """What an answer means for all cars."""
        trouble = said.decisive
        if said.good:
            self.memory.calm(self._base, self.account.now)
        if trouble is None:
            return
        if trouble.then is Then.SIGN_IN:
            self.refused = trouble
        elif trouble.then is Then.PAUSE_ALL and self.paused is None:
            self.paused = trouble
            self.memory.pause(self._base, self.account.now, trouble.after)

    def _lost(self, asked: list[Car]) -> list[NextPoll]:
        """Where the owner must sign in again: whoever resumes the account finds its cars due."""
        if not self._all(LOST):
            return []
        return [NextPoll(car.id, self.account.now, status=car.status) for car in asked]

    def _all(self, which: frozenset[Then]) -> bool:
        return bool(self.cars) and all(car.then in which for car in self.cars)

    def _raise(self) -> None:
        """What all of it means for the account. Raises our errors."""
        if self.refused:
            self._refuse_application()
            raise LoginRequired(self.refused.message)
        if self.paused:
            left = self.memory.left(self._base, self.account.now) or FIRST_PAUSE
            raise TryLater(self.paused.message, self._staggered(left))
        if self._all(LOST) and not sabotaged("owner_asked"):
            raise LoginRequired(_first(self.cars), renewable=False)
        if self._all(frozenset({Then.LATER})):
            raise TryLater(_first(self.cars))

    def _refuse_application(self) -> None:
        """Raises Misconfigured where it is our application's credentials that are refused (v3)."""
        renewed = self.account.grant.get("renewed_at")
        if renewed and abs(self.account.now - datetime.fromisoformat(renewed)) < JUST_RENEWED:
            raise Misconfigured(
                f"{WHO} refuses our application's token, also a new one; "
                "check SMARTCAR_API_CLIENT_ID and SMARTCAR_API_CLIENT_SECRET."
            )


def _first(cars: list[Car]) -> str:
    return str(cars[0].status["trouble"]["message"])


async def fetch(account: Account, memory: Memory) -> AsyncGenerator[Payload | NextPoll]:
    """What the account's cars say, and when each is asked again. Raises our errors, after all that came."""
    async with aclosing(Round(account, memory).items()) as items:
        async for item in items:
            yield item
