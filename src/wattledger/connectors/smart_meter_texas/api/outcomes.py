"""The distinct outcomes of a call of Smart Meter Texas. HTTP 200 with an errorCode is never a success.

Outcome                  a value: what the vendor said to this request
├── Answer               data, perhaps beside a list of faults
├── Accepted             taken; data comes as a file or under this correlation id
├── Pending              not ready; whatever value stands in it means nothing
├── NoData               the utility has sent nothing
├── NotIntegrated        2076: answers by API are not set up; ask for a file
├── NotAuthorised        no right to this ESIID or function, though the token is good
└── Rejected             the request is wrong in the vendor's eyes
Maintenance, HtmlWall    errors (TryLater): the vendor is closed; keep all, come back
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wattledger.errors import TryLater


@dataclass(frozen=True, slots=True)
class Fault:
    """One part of a request that was refused while the rest was taken: an ESIID, a DUNS, an agreement."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the vendor said; `raw` is its answer as received."""

    raw: bytes = field(repr=False)
    status: int
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    faults: tuple[Fault, ...] = ()
    code: str = ""
    message: str = ""


class Answer(Outcome):
    """The data asked for, in `data`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Accepted(Outcome):
    """The request was taken. `already`: it had been in force before."""

    correlation_id: str = ""
    already: bool = False


@dataclass(frozen=True, slots=True)
class Pending(Outcome):
    """Ask for the status again later."""

    correlation_id: str = ""


class NoData(Outcome):
    """The utility has sent nothing for these days."""

    __slots__ = ()


class NotIntegrated(Outcome):
    """Error 2076: this account gets no answers by API."""

    __slots__ = ()


class NotAuthorised(Outcome):
    """Refused with a good token: the agreement is missing or ended, or the service ID doesn't match."""

    __slots__ = ()


class Rejected(Outcome):
    """The vendor says that the request is wrong; `code` and `message` are its own."""

    __slots__ = ()


class Maintenance(TryLater):
    """503 in plain text: closed, often for a weekend."""


class HtmlWall(TryLater):
    """A page for browsers where JSON was due: a bot wall or a proxy."""
