"""An HTTP answer of Smart Meter Texas -> its outcome, or the error that says when to come back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from wattledger.connectors.http import HttpAnswer, check, wish
from wattledger.connectors.smart_meter_texas.api.outcomes import (
    Accepted,
    Answer,
    Fault,
    HtmlWall,
    Maintenance,
    NoData,
    NotAuthorised,
    NotIntegrated,
    Outcome,
    Pending,
    Rejected,
)
from wattledger.errors import BadPayload, TryLater
from wattledger.faults import sabotaged

WHO = "Smart Meter Texas"
MAINTENANCE_PAUSE = timedelta(minutes=15)
NO_API = "2076"
_NO_DATA = re.compile(r"\bno (?:energy )?data\b", re.IGNORECASE)
_ALREADY = re.compile(r"subs?c?ri?ption is already active", re.IGNORECASE)
_FINE = frozenset({"", "0", "00", "000", "0000", "200", "ACK"})
_LONG_WORD = re.compile(r"[^\s<>]{20,}")


def is_html(answer: HttpAnswer) -> bool:
    """Whether a page came instead of data, by its type or its first bytes."""
    return answer.mime == "text/html" or answer.body[:64].lstrip().lower().startswith(
        (b"<!doctype", b"<html")
    )


def maintenance(answer: HttpAnswer) -> Maintenance:
    """The error for a closed service, with the start of what it said."""
    pause = wish(answer) or MAINTENANCE_PAUSE
    return Maintenance(f"{WHO} is closed for now (503: {_prefix(answer.body)}); asked again later.", pause)


def wall(answer: HttpAnswer) -> HtmlWall:
    """The error for a page instead of data."""
    return HtmlWall(
        f"{WHO} answered {answer.status} with a web page instead of data, perhaps a bot wall.",
        MAINTENANCE_PAUSE,
    )


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer, decimals exact. Raises TryLater for what is none."""
    try:
        said = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TryLater(f"{WHO} answered with what is no JSON ({_prefix(body)}).") from None
    if not isinstance(said, dict):
        raise TryLater(f"{WHO} answered with JSON that is no object.")
    inner = said.get("data")
    return inner if isinstance(inner, dict) and len(said) == 1 else said


def outcome(answer: HttpAnswer, asked: str = "") -> Outcome:
    """What an answer to anything but a token request means. `asked`: the correlation id that was asked about.

    Raises Maintenance, HtmlWall and TryLater where the vendor could not be asked.
    """
    if is_html(answer):
        raise wall(answer)
    if answer.status == 503 and answer.mime != "application/json":
        raise maintenance(answer)
    if answer.status not in {200, 201, 202, 400, 401, 403, 404, 422}:
        check(answer, WHO)
    if sabotaged("error_code"):
        return Answer(answer.body, answer.status, json_object(answer.body))
    if answer.status in {401, 403}:
        return NotAuthorised(answer.body, answer.status, *_said(answer))
    return _meaning(answer, asked, *_said(answer))


def _said(answer: HttpAnswer) -> tuple[dict[str, Any], tuple[Fault, ...], str, str]:
    """The object, its fault list, the vendor's code and sentence."""
    try:
        said = json_object(answer.body)
    except TryLater:
        if answer.status < 300:
            raise
        said = {}
    code = _text(said, "errorCode") or _text(said, "statusCode")
    reason = _text(said, "errorMessage") or _text(said, "statusReason") or _text(said, "error")
    return said, faults(said), code, reason


def _meaning(
    answer: HttpAnswer, asked: str, said: dict[str, Any], wrong: tuple[Fault, ...], code: str, reason: str
) -> Outcome:
    common = (answer.body, answer.status, said, wrong, code, reason)
    correlation = _text(said, "correlationId")
    if any(_ALREADY.search(fault.reason) for fault in wrong):
        return Accepted(*common, correlation, already=True)
    if _text(said, "errorCode"):
        return _business(common)
    if answer.status >= 400 or (code.upper() not in _FINE | {"PEN"} and not _has_data(said)):
        return Rejected(*common)
    if code.upper() == "PEN":
        return Pending(*common, correlation)
    if correlation and correlation != asked and not _has_data(said):
        return Accepted(*common, correlation)
    return Answer(*common)


def _business(common: tuple[bytes, int, dict[str, Any], tuple[Fault, ...], str, str]) -> Outcome:
    """HTTP 200 with errorCode."""
    code, reason = common[4], common[5]
    if code == NO_API:
        return NotIntegrated(*common)
    return NoData(*common) if _NO_DATA.search(reason) else Rejected(*common)


def faults(said: Mapping[str, Any]) -> tuple[Fault, ...]:
    """The entries of every `...FaultList` of an answer."""
    lists = [v for k, v in said.items() if k.lower().endswith("faultlist") and isinstance(v, list)]
    return tuple(_fault(item) for entries in lists for item in entries if isinstance(item, dict))


def _fault(item: Mapping[str, Any]) -> Fault:
    reason = _text(item, "reasonCode") or _text(item, "statusReason") or _text(item, "errorMessage")
    subject = next((str(v) for k, v in item.items() if "reason" not in k.lower()), "")
    return Fault(subject, reason)


def _has_data(said: Mapping[str, Any]) -> bool:
    """Whether something besides fault lists and an acknowledgement's fields came."""
    return any(isinstance(v, (list, dict)) for k, v in said.items() if not k.lower().endswith("faultlist"))


def _text(said: Mapping[str, Any], name: str) -> str:
    """A field by its name in any case, as text."""
    wanted = name.lower()
    value = next((v for k, v in said.items() if k.lower() == wanted), None)
    return str(value).strip() if isinstance(value, (str, int, Decimal)) else ""


def _prefix(body: bytes) -> str:
    """The first words of a body for people; long words, which may be secrets, are left out."""
    text = "".join(c if c.isprintable() else " " for c in body[:200].decode("utf-8", "replace"))
    return _LONG_WORD.sub("…", text)[:80].strip() or "nothing"


def _no_constant(name: str) -> Decimal:
    raise BadPayload(f"{WHO} answered with the number {name}, which is none.", "bad_number")
