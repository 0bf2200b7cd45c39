"""v3: what the vendor has stored of each car, at one call; the list of connections and the webhook are free.

The store is filled for cars that are subscribed to a webhook, so subscribing is part of asking. A 200 says
nothing about the car: only signals with SUCCESS count, and only newer ones than before are news.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from wattledger.connectors.base import Account
from wattledger.connectors.http import HttpAnswer, answered, exchange
from wattledger.connectors.reading import mapping, number, rows
from wattledger.connectors.smartcar import accounts, cadence
from wattledger.connectors.smartcar.answers import (
    READ,
    WHOLE,
    is_good,
    names_of,
    payload_of,
    refused,
)
from wattledger.connectors.smartcar.cadence import Turn
from wattledger.connectors.smartcar.car import Car, Said
from wattledger.connectors.smartcar.errors import Then, Trouble, of_signal, trouble_of
from wattledger.connectors.smartcar.parse import CONNECTIONS, SIGNALS
from wattledger.connectors.smartcar.places import without_location
from wattledger.connectors.smartcar.reading import instant, load
from wattledger.connectors.smartcar.signals import CHARGING, DETAILED, LOCATION, SOC, Signal, signal_of
from wattledger.connectors.smartcar.subscribing import Subscriber
from wattledger.errors import BadPayload, WattledgerError
from wattledger.model import Payload

BASE = "/v3/vehicles"
SINGLY = (SOC, DETAILED, CHARGING, "charge-ischargingcableconnected", LOCATION, "odometer-traveleddistance")
"""asked for one by one where the list left some out"""
RETRIEVED = ("retrievedAt", "oemUpdatedAt")
DEAD = Then.RECONNECT
CHECKED_EVERY, UNSURE_EVERY = timedelta(hours=23), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Signals:
    """How cars are asked in v3."""

    account: Account
    subscriber: Subscriber

    @property
    def user(self) -> str:
        """The vendor's id of the owner."""
        return str(self.account.options.get("user_id") or "")

    @property
    def mode(self) -> str:
        """live or simulated; the list shows live ones alone unless told otherwise."""
        return str(self.account.options.get("mode") or "live")

    async def listed(self, cars: list[Car]) -> AsyncGenerator[Payload | set[str]]:
        """The list's payloads, and last of all the ids in it. Raises LoginRequired, TryLater."""
        account, named = self.account, {car.id: car for car in cars}
        found: set[str] = set()
        pages = accounts.pages(account.http, account.now, userId=self.user, mode=self.mode)
        async with aclosing(pages) as listed:
            async for page in listed:
                for row in page.cars:
                    if row.user == self.user:
                        found.add(row.vehicle)
                        if row.vehicle in named:
                            named[row.vehicle].status["names"] = names_of(row.vehicle_said)
                about = {"user": self.user, "mode": self.mode}
                yield payload_of(account, CONNECTIONS, page.answer.body, about)
        yield found

    def wanted(self, car: Car) -> tuple[str, ...]:
        """Everything in the store, at one call."""
        return ("signals",)

    def cost(self, wanted: tuple[str, ...]) -> int:
        """One call, however many signals there are."""
        return len(wanted)

    def regular(self, car: Car, said: Said) -> Turn:
        """The next look of a car that answered."""
        subscribed = bool((car.status.get("subscription") or {}).get("webhook"))
        empty = int(said.notes.get("empty") or 0)
        return cadence.stored(self.account.now, car.budget, subscribed=subscribed, empty=empty, car=car.id)

    async def ask(self, car: Car, wanted: tuple[str, ...]) -> Said:
        """Subscribe where that is due, then look into the store. Raises our errors."""
        await self._subscribe(car)
        said = Said()
        answer = await self._get(f"{BASE}/{quote(car.id, safe='')}/signals")
        if not is_good(answer):
            return await self._refused(car, said, answer)
        try:
            items, total = _items(answer)
        except BadPayload:
            later = Trouble(Then.LATER, answer.status, "ANSWER", "UNREADABLE")
            return refused(self.account, car, said, later, answer)
        self._keep(car, said, answer)
        if total > len(items):
            items += await self._singly(car, said, items)
        self._read(car, said, items)
        return said

    async def _subscribe(self, car: Car) -> None:
        known = car.status.get("subscription") or {}
        every = CHECKED_EVERY if known.get("webhook") else UNSURE_EVERY
        if car.due_since("at", every, within="subscription"):
            webhook, error = await self.subscriber.subscribe(self.account, self.user, car.id)
            at = self.account.now.isoformat()
            car.status["subscription"] = {"webhook": webhook, "at": at, **({"error": error} if error else {})}

    async def _get(self, path: str) -> HttpAnswer:
        return await exchange(self.account.http, "GET", path, headers={"sc-user-id": self.user}, timeout=READ)

    async def _refused(self, car: Car, said: Said, answer: HttpAnswer) -> Said:
        """A car that may not be read is looked for in the list: its owner may have taken it back."""
        trouble = trouble_of(answer, self.account.now)
        if trouble.then is Then.PERMISSION and not await self._still_there(car):
            trouble = Trouble(Then.GONE, answer.status, trouble.type, trouble.code)
        return refused(self.account, car, said, trouble, answer)

    async def _still_there(self, car: Car) -> bool:
        try:
            found = await accounts.listed(
                self.account.http, self.account.now, vehicleId=car.id, mode=self.mode
            )
        except WattledgerError:
            return True
        return any(row.user == self.user for row in found)

    async def _singly(self, car: Car, said: Said, items: list[Any]) -> list[Any]:
        """What we need most of what the list left out; each is a call."""
        there = {signal.code for signal in _signals(items)}
        found: list[Any] = []
        for code in SINGLY:
            located = car.located or not code.startswith("location-")
            if code in there or not located or car.budget.left(self.account.urgent) < 1:
                continue
            await car.spend(1)
            answer = await self._get(f"{BASE}/{quote(car.id, safe='')}/signals/{code}")
            try:
                if is_good(answer):
                    item = load(answer.body)
                    found.append(item.get("data", item))
                    self._keep(car, said, answer)
            except BadPayload:
                continue
        return found

    def _keep(self, car: Car, said: Said, answer: HttpAnswer) -> None:
        body = answer.body if car.located else without_location(answer.body)
        about, at = {**car.names, "vehicle": car.id}, answered(answer, self.account.now)
        said.payloads.append(payload_of(self.account, SIGNALS, body, about, at=at))

    def _read(self, car: Car, said: Said, items: list[Any]) -> None:
        """Count what succeeded, and note what stands in the way of the rest."""
        now = self.account.now
        signals = list(_signals(items))
        good = [signal for signal in signals if signal.good]
        said.good = len(good)
        newest = max(filter(None, (_time(signal, now) for signal in good)), default=None)
        before = car.time("newest")
        said.fresh = bool(good) and (newest is None or before is None or newest > before)
        said.asked = tuple(signal.code for signal in good)
        for signal in signals:
            if not signal.good and (error := mapping(signal.error)):
                said.troubles[signal.code] = of_signal(error)
        _judge(said, signals, newest, now)
        said.notes["empty"] = 0 if good else int(car.status.get("empty") or 0) + 1
        if newest is not None:
            said.notes["newest"] = newest.isoformat()


def _judge(said: Said, signals: list[Signal], newest: datetime | None, now: datetime) -> None:
    """Errors of single signals decide nothing, save a dead account younger than all that succeeded."""
    dead = [s for s in signals if s.code in said.troubles and said.troubles[s.code].then is DEAD]
    failing = max(filter(None, (_time(signal, now) for signal in dead)), default=None)
    if dead and (newest is None or (failing is not None and failing > newest)):
        said.troubles = {WHOLE: said.troubles[dead[0].code]}
        said.good = 0
        return
    parts = {Then.PERMISSION, Then.INCAPABLE}
    said.troubles = {code: trouble for code, trouble in said.troubles.items() if trouble.then in parts}
    if not said.good:
        said.troubles[WHOLE] = Trouble(Then.EMPTY, 200, "SIGNALS", "NO_SUCCESS")


def _items(answer: HttpAnswer) -> tuple[list[Any], int]:
    """The signals of a list, and how many the vendor has. Raises BadPayload."""
    said = load(answer.body)
    if not isinstance(said.get("data"), list):
        raise BadPayload("The answer is no list of signals.", "no_signals")
    items = rows(said["data"])
    total = number(mapping(said.get("meta")).get("totalCount"))
    return list(items), int(total) if total is not None else len(items)


def _signals(items: Iterable[Any]) -> Iterable[Signal]:
    return (signal for item in items if (signal := signal_of(item)))


def _time(signal: Signal, now: datetime) -> datetime | None:
    """When the vendor got it."""
    return next((at for name in RETRIEVED if (at := instant(signal.meta.get(name), now))), None)
