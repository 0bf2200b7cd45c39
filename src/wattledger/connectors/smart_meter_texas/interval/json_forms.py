"""JSON texts of SMT: one object, a list, several one after another, or wrapped in `data`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from wattledger.errors import BadPayload
from wattledger.faults import sabotaged

_WRAPPERS = ("data", "response", "result")
_DEEPEST = 8
_SPACE = re.compile(r"[\s,]*")
_PIECE = 1 << 20
MOST_VALUES = 1_000_000
"""in one file: each costs some 200 bytes of memory while it is read"""


def documents(body: bytes) -> list[dict[str, Any]]:
    """Every object in the text. Raises BadPayload where it isn't JSON, or has more values than any answer."""
    if _values_of(body) > MOST_VALUES and not sabotaged("json_values"):
        raise BadPayload(
            f"The JSON text holds more than {MOST_VALUES:,} values, which no answer does; it was not read.",
            "bomb",
        )
    try:
        text = body.decode("utf-8-sig")
        return [found for value in _values(text) for found in _objects(value, 0)]
    except (ValueError, RecursionError) as error:
        raise BadPayload(
            f"The JSON text cannot be read ({type(error).__name__}): it is cut short or damaged.",
            "json_damaged",
        ) from None


def _values_of(body: bytes) -> int:
    """How many values a text has at most; what stands within quotes is not counted where that matters."""
    count = sum(body.count(part) for part in (b",", b"{", b"["))
    if count <= MOST_VALUES:
        return count
    plain, count, quoted = body.replace(b"\\\\", b"").replace(b'\\"', b""), 0, 0
    for at in range(0, len(plain), _PIECE):
        signs = np.frombuffer(plain, np.uint8, min(_PIECE, len(plain) - at), at)
        quotes = np.flatnonzero(signs == ord('"'))
        parts = np.flatnonzero((signs == ord(",")) | (signs == ord("{")) | (signs == ord("[")))
        count += int(np.count_nonzero((np.searchsorted(quotes, parts) + quoted) % 2 == 0))
        quoted += len(quotes)
    return count


def _values(text: str) -> Iterator[Any]:
    """Each top-level value; numbers stay text, so that no digit is lost."""
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    at = _blank(text, 0)
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        at = _blank(text, at)
        yield value


def _blank(text: str, at: int) -> int:
    """Where the next value begins."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _objects(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, depth + 1)
    elif isinstance(value, dict):
        inner = [value[name] for name in _WRAPPERS if isinstance(value.get(name), (dict, list))]
        if inner and not any(isinstance(v, list) and k not in _WRAPPERS for k, v in value.items()):
            for item in inner:
                yield from _objects(item, depth + 1)
        else:
            yield value


def kind(found: list[dict[str, Any]]) -> str:
    """What a JSON payload without intervals is, by its keys."""
    keys = {key.lower() for document in found for key in document}
    if "registeredreads" in keys or "odrread" in keys:
        return "daily"
    if "billingdata" in keys:
        return "monthly"
    if keys & {"subscriptions", "subscriptionlist", "subscriptionnumber"}:
        return "subscription"
    if keys & {"agreements", "agreementlist", "agreementnumber"}:
        return "enrollment"
    if keys & {"errorcode", "errormessage", "statuscode", "statusreason", "correlationid", "trans_id"}:
        return "status"
    return "opaque"
