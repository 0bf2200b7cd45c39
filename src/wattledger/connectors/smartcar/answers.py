"""Answers of Smartcar as payloads, and what every reader of them needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from httpx2 import Timeout

from wattledger.connectors.base import Account
from wattledger.connectors.http import HttpAnswer
from wattledger.connectors.reading import mapping, number
from wattledger.connectors.smartcar.car import Car, Said
from wattledger.connectors.smartcar.errors import Then, Trouble
from wattledger.connectors.smartcar.parse import TROUBLE
from wattledger.connectors.smartcar.places import holds_places
from wattledger.connectors.smartcar.reading import text
from wattledger.connectors.smartcar.record import attributes
from wattledger.model import Payload, Source

READ = Timeout(connect=5, read=120, write=30, pool=10)
"""a car may take minutes to answer"""
NAME = "smartcar"
MOST_KEPT = 64 * 1024
OURS = frozenset({Then.SIGN_IN, Then.PAUSE_ALL})
"""troubles that say nothing of the car"""
WHOLE = ""
"""the name under which a trouble concerns a whole request"""


def is_good(answer: HttpAnswer) -> bool:
    """Whether it is a success at all."""
    return 200 <= answer.status < 300


def payload_of(
    account: Account,
    kind: str,
    body: bytes,
    headers: Mapping[str, str],
    mime: str = "application/json",
    *,
    at: datetime | None = None,
) -> Payload:
    """An answer as it is archived; sealed where it says where somebody is. `at`: when it was given."""
    about = {"timezone": str(account.options.get("timezone") or ""), "connection": account.connection}
    return Payload(
        NAME,
        Source.POLL,
        body,
        at or account.now,
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


def refused(account: Account, car: Car, said: Said, trouble: Trouble, answer: HttpAnswer) -> Said:
    """The whole request failed: a lack of permission is one of everything that was asked for."""
    if trouble.then not in OURS:
        said.payloads.append(trouble_payload(account, car, answer))
    each = said.asked if trouble.then in {Then.PERMISSION, Then.INCAPABLE} and said.asked else (WHOLE,)
    said.troubles = dict.fromkeys(each, trouble)
    return said
