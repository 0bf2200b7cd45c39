"""The hub as the relay sees it: two routes to deliver on, one for the cycle line.

What the hub says is sorted by what to do next:

    TryLater        network, 408, 425, 429, 5xx, a receipt that does not match
    LoginRequired   401, 403: stop sending anything
    Misconfigured   3xx, 404, 405, 501: this is not our hub's address
    BadPayload      400, 413, 422 and the like: this file will never be taken
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any

import httpx2
import orjson

from wattledger.clock import Clock
from wattledger.config import Settings
from wattledger.connectors.dispatch import Receipt
from wattledger.connectors.http import HttpAnswer, open_client, wish
from wattledger.errors import BadPayload, LoginRequired, Misconfigured, TryLater
from wattledger.relay.wire import INLINE, Letter, check_receipt

DEADLINE = 60.0
SLOWEST = 1 << 20
"""bytes a second that a large body may be sent at; its deadline grows by that"""
MOST_ANSWER = 1 << 20
RETRYABLE = frozenset({408, 425, 429})
ELSEWHERE = frozenset({404, 405, 501})
BLOCK = 1 << 18


class Hub:
    """A keep-alive client of one hub; `async with Hub.of(settings, clock) as hub`."""

    def __init__(
        self, url: str, headers: Mapping[str, str], clock: Clock, *, deadline: float = DEADLINE
    ) -> None:
        self._clock = clock
        self._deadline = deadline
        self._client = open_client(url, timeout=httpx2.Timeout(30, connect=10))
        self._client.headers.update(headers)

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> Hub:
        """Raises Misconfigured naming the first variable that is missing."""
        if not settings.hub_url:
            raise Misconfigured(
                "INTELLIWATT_BASE_URL is not set: the hub's address, where files are delivered."
            )
        secret = settings.webhook_secret or settings.droplet_secret
        if secret is None:
            raise Misconfigured("INTELLIWATT_WEBHOOK_SECRET is not set: the secret that relay and hub share.")
        if settings.admin_token is None:
            raise Misconfigured("ADMIN_TOKEN is not set: the hub takes files only with it.")
        headers = {
            "x-intelliwatt-secret": secret.get_secret_value(),
            "x-admin-token": settings.admin_token.get_secret_value(),
        }
        try:
            return cls(settings.hub_url, headers, clock)
        except Misconfigured:
            raise Misconfigured(
                "INTELLIWATT_BASE_URL must be http(s)://host without a name or password in it."
            ) from None

    async def __aenter__(self) -> Hub:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def deliver(self, letter: Letter) -> Receipt:
        """Sends one payload and compares the receipt. Raises as the module says."""
        if len(letter.body) > INLINE:
            path = f"/api/admin/smt/payloads/{letter.item.sha256}?{letter.query()}"
            answer = await self._ask("PUT", path, letter.body, "application/octet-stream")
        else:
            body = await asyncio.to_thread(letter.inline)
            answer = await self._ask("POST", "/api/admin/smt/pull", body, "application/json")
        return check_receipt(answer, letter.item)

    async def heartbeat(self, line: Mapping[str, Any]) -> None:
        """Posts a cycle line. Raises as the module says."""
        await self._ask("POST", "/api/admin/smt/heartbeat", orjson.dumps(dict(line)), "application/json")

    async def _ask(self, method: str, path: str, body: bytes, mime: str) -> Any:
        headers = {"content-type": mime, "content-length": str(len(body))}
        try:
            async with asyncio.timeout(self._deadline + len(body) / SLOWEST):
                request = self._client.build_request(method, path, content=_blocks(body), headers=headers)
                answer = await self._client.send(request, stream=True)
                try:
                    text = await _limited(answer)
                finally:
                    await answer.aclose()
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
            raise TryLater(f"The hub can't be reached ({type(error).__name__}).") from None
        return self._judge(answer, text)

    def _judge(self, answer: httpx2.Response, text: bytes) -> Any:
        status = answer.status_code
        if status in {401, 403}:
            raise LoginRequired(
                f"The hub refuses this relay ({status}): INTELLIWATT_WEBHOOK_SECRET or ADMIN_TOKEN differ. "
                "Nothing more is sent for five minutes; all is kept."
            )
        if status in ELSEWHERE or 300 <= status < 400:
            raise Misconfigured(
                f"INTELLIWATT_BASE_URL: what answers there is no hub ({status}). All is kept."
            )
        if status in RETRYABLE or status >= 500:
            raise TryLater(
                f"The hub is busy or broken just now ({status}).",
                wish(HttpAnswer(status, answer.headers, text), self._clock.now()),
            )
        if status >= 400:
            raise BadPayload(f"The hub will not take it ({status}): {_said(text)}", f"hub_{status}")
        return _json(text)


async def _blocks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, max(len(body), 1), BLOCK):
        yield body[start : start + BLOCK]


async def _limited(answer: httpx2.Response) -> bytes:
    parts, size = [], 0
    async for part in answer.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > MOST_ANSWER:
            break
    return b"".join(parts)


def _json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _said(text: bytes) -> str:
    found = _json(text)
    if not isinstance(found, dict):
        return "no reason given"
    words = [str(found[k]) for k in ("error", "message", "field") if isinstance(found.get(k), str)]
    return "; ".join(words)[:300] or "no reason given"
