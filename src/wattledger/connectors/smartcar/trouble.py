"""The error itself, whatever shape it came in.

    v2      {"type", "code", "description", "statusCode", "resolution", ...}
    v3      {"errors": [{"type", "code", "status": "502", ...}]}, and the `error` of a signal

Its sentences are not read: those of the token endpoint repeat the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartcar.reading import word


def error_of(said: Any) -> Mapping[str, Any]:
    """The first of several errors, or what holds a single one."""
    held = mapping(said)
    listed = rows(held.get("errors"))
    inner = mapping(listed[0]) if listed else mapping(held.get("error"))
    return inner or held


def resolution_of(error: Mapping[str, Any]) -> str:
    """What the vendor advises: a word, or an object that has it; empty where it advises nothing."""
    said = error.get("resolution")
    return word(mapping(said).get("type") if isinstance(said, dict) else said)
