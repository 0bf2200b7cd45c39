"""Fields of the relay's messages: what is accepted, and the contract's word for what is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wattledger.connectors.smart_meter_texas.reasons import CYCLE_REASONS, REQUEST
from wattledger.errors import Refused
from wattledger.model import Wrapping

LONGEST_NAME = 4096
MOST_LAYERS = 16
REASONS = CYCLE_REASONS | {REQUEST}
_ESIID = re.compile(r"\d{17}(\d{5})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MIME = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}(\s*;[ -~]{0,200})?", re.ASCII)


def text(body: Mapping[str, Any], name: str, longest: int = 200) -> str | None:
    """A text field, None where absent. Raises Refused INVALID_FIELD."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest or any(ord(c) < 32 for c in value):
        raise Refused(
            f"{name} must be text without control characters, at most {longest} long.", "INVALID_FIELD", name
        )
    return value


def whole(body: Mapping[str, Any], name: str) -> int | None:
    """A whole number that is not negative, None where absent. Raises Refused INVALID_FIELD."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Refused(f"{name} must be a whole number of bytes.", "INVALID_FIELD", name)
    return value


def filename(body: Mapping[str, Any]) -> str:
    """The file's name, as data: it never becomes a path. Raises Refused INLINE_MISSING_FILENAME."""
    value = body.get("filename")
    if value is None or (isinstance(value, str) and not value.strip(" /\\")):
        raise Refused("filename is missing.", "INLINE_MISSING_FILENAME", "filename")
    if not isinstance(value, str) or len(value) > LONGEST_NAME or any(ord(c) < 32 for c in value):
        raise Refused("filename must be text without control characters.", "INLINE_BAD_FILENAME", "filename")
    return value.strip()


def mime(body: Mapping[str, Any]) -> str:
    """The media type, `text/csv` where none is given. Raises Refused INVALID_FIELD."""
    value = text(body, "mime", 300) or "text/csv"
    if not _MIME.fullmatch(value):
        raise Refused("mime must be a media type such as text/csv.", "INVALID_FIELD", "mime")
    return value


def esiid(value: object) -> str:
    """A meter's 17 or 22 digits, whole. Raises Refused BAD_ESIID."""
    digits = value.strip().strip("'\"") if isinstance(value, str) else ""
    if not digits.isascii() or not _ESIID.fullmatch(digits):
        raise Refused("esiid must be text of 17 or 22 digits.", "BAD_ESIID", "esiid")
    return digits


def claimed_esiid(body: Mapping[str, Any]) -> str | None:
    """The ESIID that a sender names beside a file; not checked, the file's rows decide."""
    value = text(body, "esiid", 64)
    return value.strip().strip("'\"") or None if value else None


def reason(body: Mapping[str, Any]) -> str | None:
    """Why the relay is asked. Raises Refused UNKNOWN_REASON, naming those that are known."""
    value = text(body, "reason")
    if value is not None and value not in REASONS:
        raise Refused(f"reason must be one of {', '.join(sorted(REASONS))}.", "UNKNOWN_REASON", "reason")
    return value


def sha256(value: object) -> str:
    """A lower-case hex digest. Raises Refused BAD_SHA256."""
    digest = value.lower() if isinstance(value, str) else ""
    if not _SHA256.fullmatch(digest):
        raise Refused("sha256 must be 64 hexadecimal digits.", "BAD_SHA256", "sha256")
    return digest


def instant(body: Mapping[str, Any], name: str) -> datetime | None:
    """An ISO instant with its offset, from 1970 (a file without a time of its own) to 2099.

    Raises Refused INVALID_FIELD.
    """
    value = text(body, name, 64)
    if value is None:
        return None
    try:
        when = datetime.fromisoformat(value)
        if when.tzinfo is None or not 1970 <= when.year < 2100:
            raise ValueError
        return when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(
            f"{name} must be an instant such as 2025-11-11T19:30:10Z.", "INVALID_FIELD", name
        ) from None


def wrappings(value: object) -> tuple[Wrapping, ...]:
    """What was taken off a file, outermost first: `[{kind, name, sha256}]`. Raises Refused INVALID_FIELD."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_LAYERS:
        raise Refused(
            f"wrapped_in must be a list of at most {MOST_LAYERS} layers.", "INVALID_FIELD", "wrapped_in"
        )
    return tuple(_wrapping(item) for item in value)


def _wrapping(item: object) -> Wrapping:
    if not isinstance(item, dict):
        raise Refused("wrapped_in holds objects {kind, name, sha256}.", "INVALID_FIELD", "wrapped_in")
    kind, name = text(item, "kind", 20), text(item, "name", LONGEST_NAME)
    return Wrapping(kind or "", name or "", sha256(item.get("sha256")))
