"""What the simulated API of SmartThings knows of its account."""

from __future__ import annotations

from typing import Any, Protocol

from wattledger.simulators.calls import Call
from wattledger.simulators.smartthings_events import Push
from wattledger.simulators.smartthings_oauth import Issuer
from wattledger.simulators.smartthings_script import Script


class Account(Protocol):
    """The account that is asked, and what was asked of it so far."""

    url: str
    page_size: int
    refuses_together: int | None
    next_host: str | None
    devices: dict[str, dict[str, Any]]
    locations: dict[str, dict[str, Any]]
    rooms: dict[str, dict[str, str]]
    issuer: Issuer
    script: Script
    push: Push
    calls: list[Call]

    def item(self, id: str, together: bool) -> dict[str, Any]:
        """A device of the list, with its status and health where both were asked for."""
        ...

    def status(self, id: str) -> dict[str, Any]:
        """By component."""
        ...

    def health(self, id: str) -> dict[str, Any]:
        """Whether it is online, and since when."""
        ...
