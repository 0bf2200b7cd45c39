"""What a trigger may say: nothing, or JSON with a known reason; everything else is refused in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from wattledger.connectors.smart_meter_texas.reasons import CYCLE_REASONS, REQUEST
from wattledger.errors import Refused

REASONS = CYCLE_REASONS | {REQUEST, "run_once"}
SIMULATIONS = frozenset({"gapfill_compare", "past_sim_recalc"})
ESIID = re.compile(r"10\d{15}(\d{5})?", re.ASCII)
CANARY = re.compile(r"[ -~]{1,200}", re.ASCII)
MOST_ESIIDS = 10_000


@dataclass(frozen=True, slots=True)
class Trigger:
    """A full cycle for `reason`, or one call of the vendor's API where `request` is set."""

    reason: str
    request: dict[str, Any] | None = None

    @property
    def kind(self) -> str:
        return str(self.request["kind"]) if self.request else ""


def read(body: bytes, unsaid: str = "admin_triggered") -> Trigger:
    """The trigger in a request body. Raises Refused: BAD_JSON, UNKNOWN_REASON, BAD_ESIID, BAD_REQUEST."""
    if not body.strip():
        return Trigger(unsaid)
    said = _object(body)
    reason = said.get("reason") or unsaid
    if isinstance(reason, str) and reason in SIMULATIONS:
        raise Refused(f"reason {reason}: simulation jobs are not done here.", "UNKNOWN_REASON", "reason")
    if not isinstance(reason, str) or reason not in REASONS:
        known = ", ".join(sorted(REASONS))
        raise Refused(f"reason must be one of {known}, or absent.", "UNKNOWN_REASON", "reason")
    if said.get("esiid") not in (None, ""):
        check_esiid(said["esiid"], "esiid")
    return Trigger(reason, _request(said) if reason == REQUEST else None)


def canary(body: bytes) -> bytes:
    """The content of a canary: {"text": "..."}, printable ASCII. Raises Refused."""
    text = _object(body).get("text")
    if not isinstance(text, str) or not CANARY.fullmatch(text):
        raise Refused("text must be 1 to 200 printable ASCII characters.", "BAD_REQUEST", "text")
    return text.encode()


def check_esiid(value: object, field: str) -> None:
    """Raises Refused unless it is text of 17 or 22 digits that begins with 10."""
    if not isinstance(value, str) or not ESIID.fullmatch(value):
        raise Refused(f"{field} must be text of 17 or 22 digits that begins with 10.", "BAD_ESIID", field)


def _request(said: dict[str, Any]) -> dict[str, Any]:
    request = said.get("request")
    if not isinstance(request, dict) or not isinstance(request.get("kind"), str):
        raise Refused("smt_request needs a request object with a kind.", "BAD_REQUEST", "request")
    if request.get("esiid") not in (None, ""):
        check_esiid(request["esiid"], "request.esiid")
    many = request.get("esiids", [])
    if not isinstance(many, list) or len(many) > MOST_ESIIDS:
        raise Refused(
            f"request.esiids must be a list of at most {MOST_ESIIDS}.", "BAD_ESIID", "request.esiids"
        )
    for index, esiid in enumerate(many):
        check_esiid(esiid, f"request.esiids[{index}]")
    return request


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(f"The body is no valid JSON: {str(error)[:120]}.", "BAD_JSON") from None
    if not isinstance(said, dict):
        raise Refused("The body must be a JSON object.", "BAD_JSON")
    return said
