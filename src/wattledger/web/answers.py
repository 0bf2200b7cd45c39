"""Answers in JSON, and what each of our errors becomes on the wire."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from wattledger.errors import (
    BadPayload,
    LoginRequired,
    Misconfigured,
    NotFound,
    Refused,
    TryLater,
    WattledgerError,
)
from wattledger.secrets import SecretUnreadable

RETRY_SECONDS = 5


class Json(Response):
    """A JSON answer by orjson; instants as UTC with Z."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY)


class Denied(Exception):
    """An answer that a guard gives instead of the route's, in the words of the contract it guards."""

    def __init__(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(str(body.get("error")))
        self.status, self.body, self.headers = status, body, dict(headers or {})


def failure(error: WattledgerError) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers for one of our errors: `{ok: false, error: CODE, message, field?}`."""
    status, code, headers = _status(error)
    body: dict[str, Any] = {"ok": False, "error": code, "message": str(error)}
    if isinstance(error, Refused) and error.field:
        body["field"] = error.field
    body |= getattr(error, "details", {})
    return status, body, headers


def _status(error: WattledgerError) -> tuple[int, str, dict[str, str]]:
    if isinstance(error, Refused):
        after = getattr(error, "after", None)
        return error.status, error.code, {"Retry-After": str(after)} if after else {}
    if isinstance(error, TryLater):
        wait = math.ceil(error.after.total_seconds()) if error.after else RETRY_SECONDS
        return getattr(error, "status", 503), "TRY_LATER", {"Retry-After": str(max(1, wait))}
    if isinstance(error, BadPayload):
        return 422, error.code.upper(), {}
    return next((found for kind, found in _PLAIN.items() if isinstance(error, kind)), (500, "INTERNAL", {}))


_PLAIN: dict[type[WattledgerError], tuple[int, str, dict[str, str]]] = {
    NotFound: (404, "NOT_FOUND", {}),
    LoginRequired: (401, "LOGIN_REQUIRED", {"WWW-Authenticate": "Bearer"}),
    Misconfigured: (503, "NOT_CONFIGURED", {}),
    SecretUnreadable: (503, "SECRET_UNREADABLE", {}),
}


def sentence(errors: Sequence[Any]) -> str:
    """One sentence that names each wrong field and why, without repeating the input."""
    parts = []
    for item in errors[:10]:
        where = ".".join(str(p) for p in item["loc"] if p not in ("query", "path", "body", "header"))
        parts.append(f"{where or 'the body'}: {item['msg'].removeprefix('Value error, ')}")
    return "; ".join(parts) + "."
