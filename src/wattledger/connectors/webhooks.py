"""What a connector offers whose vendor calls us: to verify a call, answer a challenge, and read the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from wattledger.errors import WattledgerError


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that a vendor expects from our webhook."""

    status: int
    body: bytes
    mime: str = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """What a vendor's call to our webhook is about."""

    external_ids: tuple[str, ...]
    """usage points it speaks of"""
    event: str | None = None
    """the vendor's id of the event: the same event comes again under the same id"""
    user: str | None = None
    """the vendor's id of the account, None where the call names none"""
    test: bool = False
    """a trial from the vendor's console: answered, never stored"""
    consequence: WattledgerError | None = None
    """what it means for the connection: LoginRequired where the owner must act"""
    healed: bool = False
    """whether it says that what asked for the owner is over"""
    answered: bool = False
    """whether the vendor has reached what it speaks of, so that it may be over"""


@runtime_checkable
class Webhook(Protocol):
    """A connector whose vendor calls us."""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> None:
        """Raises Refused 401 for a call that was not signed with one of the secrets."""
        ...

    def reply(self, body: bytes, secrets: Sequence[str]) -> Response | None:
        """The answer to a challenge, None for every other call. Raises BadPayload."""
        ...

    def call(self, body: bytes) -> Call:
        """What a verified call is about. Raises BadPayload."""
        ...
