"""What a SmartThings answer holds, read without trust: numbers exact, instants aware, texts clean."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from wattledger.connectors.reading import UNPRINTABLE, json_object, number, written

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
"""ids that may stand in a path of ours"""
LONGEST = 200
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
"""before this nothing was measured: clocks that were never set say 1970"""
AHEAD = timedelta(days=1)
_INVISIBLE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+")
"""what turns the direction of writing or shows nothing at all; joiners stay, emoji are made with them"""


def load(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer, fractions as Decimal. Raises BadPayload for anything else."""
    return json_object(body, "SmartThings", _decimal)


def text(value: Any) -> str:
    """A text of one line that shows as it is, not too long; empty where there is none.

    Control characters and halves of characters become spaces, what turns the direction of writing goes.
    """
    if not isinstance(value, str):
        return ""
    shown = value[: 4 * LONGEST]
    if not (shown.isascii() and shown.isprintable()):
        shown = UNPRINTABLE.sub(" ", _INVISIBLE.sub("", shown))
    return shown.strip()[:LONGEST]


def identifier(value: Any) -> str | None:
    """An id that may stand in a path, None for everything else."""
    return value if isinstance(value, str) and ID.fullmatch(value) else None


def instant(value: Any, received: datetime) -> datetime | None:
    """An instant as text (UTC where it names no zone) or epoch milliseconds; None where it can't be meant."""
    try:
        found = _instant(value)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and EARLIEST <= found <= received + AHEAD else None


def _instant(value: Any) -> datetime | None:
    if isinstance(value, str) and len(value) < 50:
        return written(value)
    milliseconds = number(value)
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


def _decimal(digits: str) -> Decimal | None:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None
