"""JSON documents as they are stored; half a character, which the quick coder refuses, goes by another."""

from __future__ import annotations

import json
from typing import Any

import orjson


def text_of(document: Any) -> str:
    """A document as text; NaN, which is no JSON, as null."""
    try:
        return orjson.dumps(document).decode()
    except TypeError:
        return json.dumps(document, separators=(",", ":"))


def document_of(text: str | bytes) -> Any:
    """Back from text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
