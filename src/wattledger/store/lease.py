"""When something that is held by a lease may be taken: by expiry, or where its holder's clock was wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, or_

from wattledger.faults import sabotaged

SKEW = timedelta(minutes=5)
"""by so much may the clocks of two hosts differ"""


def unheld(until: Column[Any], now: datetime, lease: timedelta) -> ColumnElement[bool]:
    """Whether nobody holds it: no lease, one that is over, or one longer than a true clock ever gives."""
    over = or_(until.is_(None), until <= now)
    return over if sabotaged("clock_back") else or_(over, until > now + lease + SKEW)


def believed(planned: datetime | None, made: datetime, now: datetime) -> datetime | None:
    """A plan, or None for one that was made by a clock that was ahead."""
    return planned if made <= now + SKEW or sabotaged("clock_back") else None


def reached(planned: Column[Any], made: Column[Any], now: datetime) -> ColumnElement[bool]:
    """Whether a plan has come due, or was made by a clock that was ahead: `made` lies in the future."""
    if sabotaged("clock_back"):
        return planned <= now
    return and_(planned.is_not(None), or_(planned <= now, made > now + SKEW))
