"""What a collection's outcome does to its connection: state, failures and the next poll."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from wattledger.errors import LoginRequired, Misconfigured, TryLater, WattledgerError
from wattledger.secrets import SecretUnreadable

SHORTEST, FIRST, LONGEST = timedelta(seconds=1), timedelta(seconds=30), timedelta(hours=1)
DISCONNECTED = "disconnected"
STOPPED = ("needs_login", "misconfigured", DISCONNECTED)
"""states that only a person ends"""


def outcome(
    error: WattledgerError | None,
    failures: int,
    now: datetime,
    again: datetime | None,
    random: Callable[[], float],
) -> dict[str, Any]:
    """The columns to write; `failures` counts those before this one, `random` draws from [0, 1)."""
    asked = {"last_asked": now, "paused_until": None}
    if error is None:
        fine = {**asked, "state": "ok", "failures": 0, "last_error": None, "last_success": now}
        return {**fine, "next_poll_at": again}
    failed = {**asked, "failures": failures + 1, "last_error": str(error)}
    if isinstance(error, LoginRequired):
        return {**failed, "state": "needs_login", "next_poll_at": None}
    if isinstance(error, Misconfigured | SecretUnreadable):
        return {**failed, "state": "misconfigured", "next_poll_at": None}
    wish = error.after if isinstance(error, TryLater) else None
    until = now + pause(wish, failures, random)
    wished = {"paused_until": until} if wish is not None else {}
    return {**failed, **wished, "state": "late", "next_poll_at": until}


def removed(
    error: WattledgerError | None, failures: int, now: datetime, untold: bool, random: Callable[[], float]
) -> dict[str, Any]:
    """The columns of a connection that its owner let go: it comes back while its vendor is untold."""
    said = {"last_asked": now, "last_error": None if error is None else str(error), "paused_until": None}
    if not untold:
        return {**said, "failures": 0, "next_poll_at": None}
    wish = error.after if isinstance(error, TryLater) else None
    return {**said, "failures": failures + 1, "next_poll_at": now + pause(wish, failures, random)}


def pause(wish: timedelta | None, failures: int, random: Callable[[], float]) -> timedelta:
    """The vendor's wish within 1 s to 1 h; else 30 s doubled by failure up to 1 h, half of it at random."""
    if wish is not None:
        return min(max(wish, SHORTEST), LONGEST)
    longest = min(FIRST * float(2 ** min(failures, 10)), LONGEST)
    return longest / 2 * (1 + random())
