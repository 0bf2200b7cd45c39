"""Mail addresses in the one form in which they are kept."""

from __future__ import annotations

import re
import unicodedata

from wattledger.errors import Refused

LONGEST = 254
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"]{1,64}")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def normal_email(email: str) -> str:
    """NFC, no space around, lower case, the domain in ASCII. Raises Refused for what is no address."""
    local, _, domain = unicodedata.normalize("NFC", email).strip().lower().rpartition("@")
    domain = _ascii(domain)
    fine = _LOCAL.fullmatch(local) and local.isprintable()
    if not fine or not domain or len(local) + len(domain) + 1 > LONGEST:
        raise Refused("This is no email address; it looks like name@example.org.", "BAD_EMAIL", "email", 422)
    return f"{local}@{domain}"


def _ascii(domain: str) -> str:
    try:
        encoded = domain.encode("idna").decode()
    except UnicodeError:
        return ""
    return encoded if all(_LABEL.fullmatch(label) for label in encoded.split(".")) else ""
