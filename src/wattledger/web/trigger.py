"""The hub's way to ask the relay for work: one POST to DROPLET_WEBHOOK_URL. The hub never calls SMT."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2
import orjson

from wattledger.config import Settings

TIMEOUT = httpx2.Timeout(10, connect=5)
MOST_ANSWER = 64 * 1024

Trigger = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Sends a request to the relay and answers what the relay said. Raises TriggerFailed."""


class TriggerFailed(Exception):
    """The relay did not take the request. `code` and `status` are the contract's."""

    def __init__(self, code: str, message: str, status: int, relay_status: int | None = None) -> None:
        super().__init__(message)
        self.code, self.status, self.relay_status = code, status, relay_status

    @property
    def body(self) -> dict[str, Any]:
        """The answer of the contract."""
        found: dict[str, Any] = {"ok": False, "error": self.code, "message": str(self)}
        return found if self.relay_status is None else {**found, "status": self.relay_status}


def to_relay(settings: Settings) -> Trigger:
    """A trigger that posts with header `x-intelliwatt-secret` to the address of the settings."""

    async def post(request: Mapping[str, Any]) -> Any:
        url, secret = settings.droplet_url, settings.droplet_secret or settings.webhook_secret
        if not url or secret is None:
            name = "DROPLET_WEBHOOK_SECRET" if url else "DROPLET_WEBHOOK_URL"
            raise TriggerFailed("SERVER_MISCONFIG", f"Set {name} so that the hub can ask the relay.", 500)
        return await _post(url, secret.get_secret_value(), request)

    return post


async def _post(url: str, secret: str, request: Mapping[str, Any]) -> Any:
    headers = {"x-intelliwatt-secret": secret, "content-type": "application/json"}
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
            answer = await client.post(url, content=orjson.dumps(dict(request)), headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        kind = type(error).__name__
        raise TriggerFailed(
            "WEBHOOK_CONNECTION_FAILED", f"The relay can't be reached ({kind}).", 502
        ) from None
    said = _value(answer.content)
    if not answer.is_success:
        raise _failure(answer.status_code, said)
    return said


def _failure(status: int, said: Any) -> TriggerFailed:
    """502 WEBHOOK_FAILED, or 400 in the relay's words where the request itself is wrong."""
    if status == 400 and isinstance(said, dict) and said.get("error") and said.get("message"):
        return TriggerFailed(str(said["error"])[:100], str(said["message"])[:1000], 400, status)
    return TriggerFailed("WEBHOOK_FAILED", f"The relay answered {status}.", 502, status)


def _value(body: bytes) -> Any:
    try:
        return orjson.loads(body[:MOST_ANSWER])
    except orjson.JSONDecodeError:
        return body[:1000].decode("utf-8", "replace")
