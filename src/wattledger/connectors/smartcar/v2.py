"""v2: one batch for each car, of the paths that are worth their call. Lists and names cost nothing.

A call is billed for each path, so what hardly changes is asked rarely, and where a charging car stands once.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from httpx2 import AsyncClient

from wattledger.connectors.base import Account
from wattledger.connectors.http import HttpAnswer, answered, exchange, wish
from wattledger.connectors.reading import mapping, number, rows
from wattledger.connectors.smartcar import cadence
from wattledger.connectors.smartcar.answers import READ, is_good, names_of, payload_of, refused
from wattledger.connectors.smartcar.cadence import May, Turn
from wattledger.connectors.smartcar.car import Car, Said
from wattledger.connectors.smartcar.errors import (
    LONGEST_PAUSE,
    Then,
    Trouble,
    trouble_of,
    understand,
)
from wattledger.connectors.smartcar.lists import vehicles_of
from wattledger.connectors.smartcar.parse import BATCH, VEHICLE, VEHICLES
from wattledger.connectors.smartcar.paths import Entry, entry_of
from wattledger.connectors.smartcar.reading import load, text, word
from wattledger.errors import BadPayload, LoginRequired, TryLater
from wattledger.model import Payload

BASE = "/v2.0/vehicles"
PAGE, MOST_PAGES = 50, 40
ALWAYS = timedelta(0)
PATHS: Mapping[str, timedelta] = {
    "/battery": ALWAYS,
    "/charge": ALWAYS,
    "/location": ALWAYS,
    "/odometer": timedelta(hours=12),
    "/charge/limit": timedelta(hours=24),
    "/battery/nominal_capacity": timedelta(days=30),
}
"""how often each is worth a call"""
PARKED = timedelta(hours=12)
"""how long the place of a charging car is believed"""


async def listing(http: AsyncClient, now: datetime) -> tuple[list[str], list[HttpAnswer]]:
    """All cars of the grant, and the answers that say so. Raises LoginRequired (401), TryLater."""
    ids: list[str] = []
    answers: list[HttpAnswer] = []
    for _ in range(MOST_PAGES):
        answer = await exchange(http, "GET", f"{BASE}?{urlencode({'limit': PAGE, 'offset': len(ids)})}")
        _refuse(answer, now)
        try:
            new = [id for id in vehicles_of(answer.body) if id not in ids]
        except BadPayload as error:
            raise TryLater(f"{error} It is asked for again later.") from None
        answers.append(answer)
        ids += new
        count = number(mapping(load(answer.body).get("paging")).get("count"))
        if not new or count is None or len(ids) >= count:
            break
    return ids, answers


def _refuse(answer: HttpAnswer, now: datetime) -> None:
    if is_good(answer):
        return
    trouble = trouble_of(answer, now)
    if trouble.then in {Then.SIGN_IN, Then.RECONNECT}:
        raise LoginRequired(trouble.message)
    raise trouble.later


@dataclass(frozen=True, slots=True)
class Batches:
    """How cars are asked in v2."""

    account: Account

    async def listed(self, cars: list[Car]) -> AsyncGenerator[Payload | set[str]]:
        """The list's payloads, and last of all the ids in it. Raises LoginRequired, TryLater."""
        ids, answers = await listing(self.account.http, self.account.now)
        for car in cars:
            if car.id in ids and "names" not in car.status:
                for payload in await self._named(car):
                    yield payload
        names = json.dumps({car.id: dict(car.names) for car in cars if car.names})
        for answer in answers:
            yield payload_of(self.account, VEHICLES, answer.body, {"names": names})
        yield set(ids)

    async def _named(self, car: Car) -> list[Payload]:
        """Make, model and year, at one call; a car that is refused that goes without."""
        if car.may(1) is not May.YES:
            return []
        await car.spend(1)
        answer = await exchange(self.account.http, "GET", f"{BASE}/{quote(car.id, safe='')}")
        if not is_good(answer):
            if trouble_of(answer, self.account.now).then is Then.PERMISSION:
                car.status["names"] = {}
            return []
        try:
            car.status["names"] = names_of(load(answer.body))
        except BadPayload:
            return []
        return [payload_of(self.account, VEHICLE, answer.body, {"vehicle": car.id})]

    def wanted(self, car: Car) -> tuple[str, ...]:
        """The paths that are worth a call now; without a call to spare for them, those that always are."""
        usual = tuple(path for path in PATHS if self._worth(car, path))
        if car.budget.left(self.account.urgent) >= len(usual):
            return usual
        return tuple(path for path in usual if PATHS[path] == ALWAYS)

    def cost(self, wanted: tuple[str, ...]) -> int:
        """Calls that these are billed as."""
        return len(wanted)

    def regular(self, car: Car, said: Said) -> Turn:
        """The next turn of a car that answered."""
        usual = [path for path, every in PATHS.items() if every == ALWAYS and car.allowed(path)]
        dear = [path for path in usual if path != "/location" or car.located]
        return cadence.spread(self.account.now, car.budget, max(len(dear), 1), said.mood, car.id)

    def _worth(self, car: Car, path: str) -> bool:
        if not car.allowed(path) or (path == "/location" and not car.located):
            return False
        charging = mood_of(car) == "charging"
        every = PARKED if path == "/location" and charging else PATHS[path]
        return car.due_since(path, every, within="asked")

    async def ask(self, car: Car, wanted: tuple[str, ...]) -> Said:
        """One batch. Raises our errors for what can't be reached."""
        answer = await exchange(
            self.account.http,
            "POST",
            f"{BASE}/{quote(car.id, safe='')}/batch",
            json={"requests": [{"path": path} for path in wanted]},
            headers={"SC-Unit-System": "metric"},
            timeout=READ,
        )
        said = Said(mood=mood_of(car), asked=wanted)
        if not is_good(answer):
            return refused(self.account, car, said, trouble_of(answer, self.account.now), answer)
        try:
            entries = [entry_of(item) for item in rows(load(answer.body)["responses"])]
        except (BadPayload, KeyError):
            entries = []
        if not entries:
            later = Trouble(Then.LATER, answer.status, "ANSWER", "UNREADABLE")
            return refused(self.account, car, said, later, answer)
        headers = {name: value for name, value in answer.headers.items() if name.startswith("sc-")}
        about = {**headers, **car.names, "vehicle": car.id}
        at = answered(answer, self.account.now)
        said.payloads.append(payload_of(self.account, BATCH, answer.body, about, at=at))
        self._read(car, said, entries)
        return said

    def _read(self, car: Car, said: Said, entries: list[Entry]) -> None:
        now = self.account.now
        asked = dict(car.status.get("asked") or {})
        for entry in entries:
            if entry.good:
                said.good += 1
                asked[entry.path] = now.isoformat()
                if entry.path == "/charge":
                    said.mood = _mood(entry.body.get("state"), entry.body.get("isPluggedIn"))
            else:
                after = wish(_as_answer(entry), now, LONGEST_PAUSE)
                said.troubles[entry.path] = understand(entry.code or 0, entry.body, after)
        said.notes["asked"] = asked


def mood_of(car: Car) -> str:
    """Charging, plugged in or neither, by what is stored."""
    latest = {name: value for name, (value, _) in car.known.latest.items()}
    return _mood(latest.get("charging_state"), latest.get("plugged_in"))


def _mood(state: Any, plugged: Any) -> str:
    """A full car that is plugged in is about to do nothing."""
    if word(state) == "CHARGING":
        return "charging"
    return "plugged" if plugged is True and word(state) != "FULLY_CHARGED" else "away"


def _as_answer(entry: Entry) -> HttpAnswer:
    headers = {name: text(str(value)) for name, value in entry.headers.items()}
    return HttpAnswer(entry.code or 0, headers, b"")
