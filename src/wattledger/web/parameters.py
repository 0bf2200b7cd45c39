"""Query and path parameters, bounded and in words."""

from __future__ import annotations

from wattledger.errors import NotFound, Refused

LARGEST_ID = 2**63 - 1


def bounded(name: str, text: str | None, default: int, most: int, least: int = 1) -> int:
    """A whole number between `least` and `most`. Raises Refused."""
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or not least <= int(text) <= most:
        raise Refused(f"{name} must be a whole number from {least} to {most}.", "INVALID_PARAMETER", name)
    return int(text)


def payload_id(text: str) -> int:
    """A payload's number. Raises Refused INVALID_ID for what can be none, NotFound for one beyond all."""
    if not (text.isascii() and text.isdigit()):
        raise Refused("A payload's id is a whole number.", "INVALID_ID", "id")
    if len(text) > 19 or int(text) > LARGEST_ID:
        raise NotFound("There is no such payload.")
    return int(text)


def public_id(text: str, what: str) -> str:
    """An id of 32 hexadecimal digits; anything else is NotFound, like another site's."""
    if len(text) != 32 or any(c not in "0123456789abcdef" for c in text):
        raise NotFound(f"There is no such {what}.")
    return text
