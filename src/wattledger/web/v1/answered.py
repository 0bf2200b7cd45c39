"""A route's `responses` for the OpenAPI document; nothing here runs when a request is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_REFERENCE = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def problem(description: str) -> dict[str, Any]:
    """A refusal; its schema is put into the document once, not made by every route at start."""
    return {"description": description, "content": _REFERENCE}


WRONG_FIELD = "A field is wrong."
PROBLEMS = {
    400: "The question is wrong.",
    401: "Sign in, or send an API token.",
    403: "Only an owner of the site may do this.",
    404: "There is no such thing at this site.",
    409: "Something has to be set or done first.",
    415: "The body is of another kind than the route reads.",
    422: WRONG_FIELD,
    429: "Too many of these; come back after `Retry-After` seconds.",
    503: "Come back after `Retry-After` seconds.",
}


def answers(model: Any = None, *statuses: int, media: Sequence[str] = ()) -> dict[int | str, dict[str, Any]]:
    """JSON of `model` with any of `statuses` (default 200), or bytes of other media types; and problems."""
    good: dict[str, Any] = {"content": {kind: {"schema": _BYTES} for kind in media}} if media else {}
    if model is not None:
        good["model"] = model
    found: dict[int | str, dict[str, Any]] = dict.fromkeys(statuses or (200,), good)
    return found | {status: problem(text) for status, text in PROBLEMS.items()}


_BYTES = {"type": "string", "format": "binary"}
