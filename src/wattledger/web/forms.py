"""Small HTML forms, or the same fields as JSON."""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import Request

from wattledger.errors import Refused
from wattledger.web.jsonbody import is_json, read_json

LONGEST = 500
MOST_FIELDS = 20


async def fields(request: Request) -> dict[str, str]:
    """The text fields of a form or of a JSON object. Raises Refused."""
    if is_json(request):
        return _texts(await read_json(request))
    mime = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if mime != "application/x-www-form-urlencoded":
        raise Refused("Send a form or JSON.", "EXPECTED_FORM", status=415)
    try:
        text = (await request.body()).decode("ascii")
        return _texts(
            dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
        )
    except (ValueError, UnicodeError):
        raise Refused("The form is not readable.", "BAD_FORM") from None


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Refused("Send an object with text fields.", "BAD_FORM")
    for name, text in value.items():
        if not isinstance(text, str) or len(text) > LONGEST or any(ord(c) < 32 for c in text):
            raise Refused(
                f"{name[:50]!r} must be plain text of at most {LONGEST} characters.", "BAD_FORM", status=422
            )
    return value


def wanted(values: dict[str, str], name: str) -> str:
    """A field that must be there. Raises Refused 422 that names it."""
    text = values.get(name, "").strip()
    if not text:
        raise Refused(f"{name} is missing.", "MISSING_FIELD", name, 422)
    return text
