"""v2: one batch for each car, of the paths that are worth their call. Lists and names cost nothing.

A call is billed for each path, so what hardly changes is asked rarely, and where a charging car stands once.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from httpx2 import AsyncClient, Timeout

from wattledger.connectors.base import Account
from wattledger.connectors.http import HttpAnswer, exchange, wish
from wattledger.connectors.smartcar import cadence
from wattledger.connectors.smartcar.cadence import Turn
from wattledger.connectors.smartcar.car import Car, Said
from wattledger.connectors.smartcar.errors import (
    LONGEST_PAUSE,
    Then,
    Trouble,
    trouble_of,
    understand,
)
from wattledger.connectors.smartcar.lists import vehicles_of
from wattledger.connectors.smartcar.parse import BATCH, TROUBLE, VEHICLE, VEHICLES
from wattledger.connectors.smartcar.paths import Entry, entry_of
from wattledger.connectors.smartcar.places import holds_places
from wattledger.connectors.smartcar.reading import load, mapping, number, rows, text, word
from wattledger.connectors.smartcar.record import attributes
from wattledger.errors import BadPayload, LoginRequired, TryLater
from wattledger.model import Payload, Source

READ = Timeout(connect=5, read=120, write=30, pool=10)
"""a car may take minutes to answer"""
BASE = "/v2.0/vehicles"
PAGE, MOST_PAGES = 50, 40
NAME = "smartcar"
MOST_KEPT = 64 * 1024
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


def is_good(answer: HttpAnswer) -> bool:
    """Whether it is a success at all."""
    return 200 <= answer.status < 300


def payload_of(
    account: Account, kind: str, body: bytes, headers: Mapping[str, str], mime: str = "application/json"
) -> Payload:
    """An answer as it is archived; sealed where it says where somebody is."""
    about = {"timezone": str(account.options.get("timezone") or ""), "connection": account.connection}
    return Payload(
        NAME,
        Source.POLL,
        body,
        account.now,
        filename=kind,
        mime=mime or "application/json",
        headers={**{name: value for name, value in about.items() if value}, **headers},
        private=holds_places(body),
    )


def trouble_payload(account: Account, car: Car, answer: HttpAnswer) -> Payload:
    """An error answer about one car."""
    headers = {**car.names, "vehicle": car.id, "status": str(answer.status)}
    return payload_of(account, TROUBLE, answer.body[:MOST_KEPT], headers, answer.mime)


def names_of(said: Any) -> dict[str, str]:
    """Make, model and year as headers and the status have them."""
    about = mapping(attributes(said))
    year = number(about.get("year"))
    found = {"make": text(about.get("make")), "model": text(about.get("model"))}
    return {k: v for k, v in {**found, "year": f"{year:.0f}" if year else ""}.items() if v}


@dataclass(slots=True)
class Listing:
    """The cars of a grant, and the answers that say so."""

    ids: list[str] = field(default_factory=list)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    payloads: list[Payload] = field(default_factory=list)


async def listing(account: Account, known: Mapping[str, Mapping[str, str]] | None = None) -> Listing:
    """All cars of the grant with their names; `known` names are not asked for again.

    Raises LoginRequired (401), TryLater.
    """
    found = Listing(names={id: dict(names) for id, names in (known or {}).items() if names})
    answers = await _pages(account.http, account.now, found)
    for id in found.ids:
        if id not in found.names:
            await _name(account, id, found)
    names = {id: found.names[id] for id in found.ids if id in found.names}
    headers = {"names": json.dumps(names)}
    found.payloads += [payload_of(account, VEHICLES, answer.body, headers) for answer in answers]
    return found


async def _pages(http: AsyncClient, now: datetime, found: Listing) -> list[HttpAnswer]:
    answers: list[HttpAnswer] = []
    for _ in range(MOST_PAGES):
        query = urlencode({"limit": PAGE, "offset": len(found.ids)})
        answer = await exchange(http, "GET", f"{BASE}?{query}")
        _refuse(answer, now)
        try:
            ids = list(vehicles_of(answer.body))
        except BadPayload as error:
            raise TryLater(f"{error} It is asked for again later.") from None
        answers.append(answer)
        count = number(mapping(load(answer.body).get("paging")).get("count"))
        new = [id for id in ids if id not in found.ids]
        found.ids += new
        if not new or count is None or len(found.ids) >= count:
            break
    return answers


async def _name(account: Account, id: str, found: Listing) -> None:
    """Ask for make, model and year; a car that can't be asked goes without a name for now."""
    answer = await exchange(account.http, "GET", f"{BASE}/{quote(id, safe='')}")
    if not is_good(answer):
        return
    try:
        names = names_of(load(answer.body))
    except BadPayload:
        return
    found.names[id] = names
    found.payloads.append(payload_of(account, VEHICLE, answer.body, {"vehicle": id}))


def _refuse(answer: HttpAnswer, now: datetime) -> None:
    if is_good(answer):
        return
    trouble = trouble_of(answer, now)
    if trouble.then in {Then.SIGN_IN, Then.RECONNECT}:
        raise LoginRequired(trouble.message)
    raise TryLater(trouble.message, trouble.after)


@dataclass(frozen=True, slots=True)
class Batches:
    """How cars are asked in v2."""

    account: Account

    async def listed(self, cars: list[Car]) -> AsyncGenerator[Payload | set[str]]:
        """The list's payloads, and last of all the ids in it."""
        found = await listing(self.account, {car.id: car.names for car in cars})
        for payload in found.payloads:
            yield payload
        for car in cars:
            car.status["names"] = found.names.get(car.id) or dict(car.names)
        yield set(found.ids)

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
            return _refused(self.account, car, said, trouble_of(answer, self.account.now), answer)
        try:
            entries = [entry_of(item) for item in rows(load(answer.body)["responses"])]
        except (BadPayload, KeyError):
            later = Trouble(Then.LATER, answer.status, "ANSWER", "UNREADABLE")
            return _refused(self.account, car, said, later, answer)
        headers = {name: value for name, value in answer.headers.items() if name.startswith("sc-")}
        about = {**headers, **car.names, "vehicle": car.id}
        said.payloads.append(payload_of(self.account, BATCH, answer.body, about))
        self._read(car, said, entries)
        return said

    def _read(self, car: Car, said: Said, entries: list[Entry]) -> None:
        now = self.account.now
        asked = dict(car.status.get("asked") or {})
        for entry in entries:
            if entry.good:
                said.good += 1
                asked[entry.path] = now.isoformat()
                said.mood = _mood(entry.body) if entry.path == "/charge" else said.mood
            else:
                after = wish(_as_answer(entry), now, LONGEST_PAUSE)
                said.troubles[entry.path] = understand(entry.code or 0, entry.body, after)
        said.notes["asked"] = asked


def _refused(account: Account, car: Car, said: Said, trouble: Trouble, answer: HttpAnswer) -> Said:
    """The whole request failed: a lack of permission is one of every path."""
    said.payloads.append(trouble_payload(account, car, answer))
    each = said.asked if trouble.then in {Then.PERMISSION, Then.INCAPABLE} else ("",)
    said.troubles = dict.fromkeys(each, trouble)
    return said


def mood_of(car: Car) -> str:
    """Charging, plugged in or neither, by what is stored."""
    latest = {name: value for name, (value, _) in car.known.latest.items()}
    if latest.get("charging_state") == "CHARGING":
        return "charging"
    return "plugged" if latest.get("plugged_in") is True else "away"


def _mood(body: Mapping[str, Any]) -> str:
    if word(body.get("state")) == "CHARGING":
        return "charging"
    return "plugged" if body.get("isPluggedIn") is True else "away"


def _as_answer(entry: Entry) -> HttpAnswer:
    headers = {name: text(str(value)) for name, value in entry.headers.items()}
    return HttpAnswer(entry.code or 0, headers, b"")
