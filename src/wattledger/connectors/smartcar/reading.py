"""What a Smartcar answer holds, read without trust: finite numbers, aware instants, clean texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from wattledger.connectors.reading import UNPRINTABLE, json_object, number, written

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
"""ids that may stand in a path: opaque words, usually UUIDs"""
LONGEST = 200
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
"""before this no car reported: clocks that were never set say 1970"""
AHEAD = timedelta(minutes=10)
"""how far a car's clock may go before ours"""
MILLISECONDS, SECONDS = 1e11, 1e9
"""the least epoch numbers that are taken for milliseconds and for seconds"""
_EPOCH = datetime.fromtimestamp(0, UTC)


def load(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer. Raises BadPayload for anything else."""
    return json_object(body, "Smartcar")


def text(value: Any) -> str:
    """A text without control characters and halves of characters, not too long; empty where there is none."""
    return UNPRINTABLE.sub(" ", value[: 4 * LONGEST]).strip()[:LONGEST] if isinstance(value, str) else ""


def identifier(value: Any) -> str | None:
    """An id that may stand in a path, None for everything else."""
    return value if isinstance(value, str) and ID.fullmatch(value) else None


def word(value: Any) -> str:
    """A code or an enum's member in upper case with underscores; empty where there is none."""
    return re.sub(r"[\s-]+", "_", text(value).upper())


def instant(value: Any, received: datetime) -> datetime | None:
    """ISO 8601 (UTC where it names no zone), epoch milliseconds or seconds, also as digits; 0 means none.

    None as well for what can't be meant: before EARLIEST, or later than AHEAD of the receipt.
    """
    try:
        found = _instant(value)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and EARLIEST <= found <= received + AHEAD else None


def _instant(value: Any) -> datetime | None:
    if isinstance(value, str) and len(value) < 50:
        said = value.strip()
        if not (said.isascii() and said.isdigit()):
            return written(said)
        value = int(said)
    since = number(value)
    if since is None or since < SECONDS:
        return None
    return _EPOCH + timedelta(milliseconds=since if since >= MILLISECONDS else since * 1000)
