"""What a vendor's answer holds, read without trust: what is not of the kind that is wanted counts as none."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from wattledger.errors import BadPayload

UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
"""control characters, line ends and halves of characters"""

_NUMBERS = (int, float, Decimal)


def json_object(body: bytes, who: str, fraction: Callable[[str], Any] = float) -> dict[str, Any]:
    """The JSON object of an answer by `who`, NaN and infinities as None. Raises BadPayload for all else."""
    try:
        said = json.loads(body, parse_float=fraction, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise BadPayload(f"{who} answered what is no JSON.", "no_json") from None
    if not isinstance(said, dict):
        raise BadPayload(f"{who} answered JSON that is no object.", "no_object")
    return said


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, empty where there is none."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    """An array, empty where there is none."""
    return value if isinstance(value, list) else []


def number(value: Any) -> float | None:
    """A finite number; never a bool or a text."""
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def written(value: str) -> datetime:
    """An instant in ISO 8601, UTC where it names no zone. Raises ValueError."""
    found = datetime.fromisoformat(value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
