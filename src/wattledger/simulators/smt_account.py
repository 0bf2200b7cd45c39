"""What the simulated API of Smart Meter Texas knows of its utility."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from wattledger.clock import Clock
from wattledger.simulators.home import Day, Home
from wattledger.simulators.smt_script import Call, Script


class Account(Protocol):
    """The account that is asked, and what was asked of it so far."""

    clock: Clock
    username: str
    password: str
    integrated: bool
    token_seconds: float
    polls_until_read: int
    meters: dict[str, Home]
    script: Script
    calls: list[Call]
    tokens: dict[str, datetime]
    reports: dict[str, dict[str, Any]]
    last_read: dict[str, datetime]
    pending_reads: dict[str, int]
    agreements: list[dict[str, Any]]
    subscriptions: list[dict[str, Any]]

    def accepts(self, bearer: str) -> bool:
        """Whether this token was issued here and still lives."""
        ...

    def drop_file(self, home: Home, days: Sequence[Day]) -> Path:
        """Lay a delivery of these days into a remote folder."""
        ...
