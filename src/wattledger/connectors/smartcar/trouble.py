"""An error of Smartcar's in one word, whatever shape it came in: `VEHICLE_STATE/ASLEEP`.

    v2      {"type", "code", "description", "statusCode", "resolution", ...}
    v3      {"errors": [{"type", "code", "status": "502", ...}]}, and the `error` of a signal
    older   {"error": "vehicle_state_error", "code": "VS_000", "message"}
    OAuth   {"error": "invalid_client", "error_description"}

Descriptions are left out: those of the token endpoint repeat the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattledger.connectors.smartcar.reading import mapping, rows, word

LONGEST = 60


def trouble_of(said: Any, status: int | None = None) -> str:
    """`TYPE/CODE`, `TYPE`, else the HTTP status, else that there was no answer."""
    error = error_of(said)
    words = [word(error.get("type")) or word(error.get("error")), word(error.get("code"))]
    known = "/".join(one[:LONGEST] for one in words if one)
    return known or (f"HTTP_{status}" if status else "NO_ANSWER")


def error_of(said: Any) -> Mapping[str, Any]:
    """The error itself: the first of several, or what holds it."""
    held = mapping(said)
    listed = rows(held.get("errors"))
    inner = mapping(listed[0]) if listed else mapping(held.get("error"))
    return inner or held


def resolution_of(error: Mapping[str, Any]) -> str:
    """What the vendor advises: a word, or an object that has it; empty where it advises nothing."""
    said = error.get("resolution")
    return word(mapping(said).get("type") if isinstance(said, dict) else said)
