"""Short ways to write reports: minutes after noon UTC, Wh as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from wattledger.accounting import Judged, Report, account

NOON = datetime(2026, 7, 4, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def report(
    minutes: float,
    energy: str | None = None,
    delta: str | None = None,
    start: float | None = None,
    register: str = "",
) -> Report:
    return Report(
        at(minutes),
        None if energy is None else Decimal(energy),
        None if delta is None else Decimal(delta),
        None if start is None else at(start),
        register,
    )


def told(*reports: Report) -> list[tuple[str, str]]:
    """(verdict, Wh) of each."""
    return [(str(one.verdict), str(one.wh)) for one in judged(*reports)]


def judged(*reports: Report) -> list[Judged]:
    return account(reports)[0]
