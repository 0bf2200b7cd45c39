"""The one HTTP client: phases timed, bodies capped, no redirects, named hosts; statuses become our errors.

    async with open_client("https://vendor.example") as http:
        answer = await exchange(http, "POST", "/v2/token/", json={...})
        check(answer, "The vendor")

Neither queries nor bodies are ever logged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from wattledger.errors import BadPayload, LoginRequired, Misconfigured, Refused, TryLater
from wattledger.faults import sabotaged

MAX_BODY = 10 * 1024 * 1024
PHASES = httpx2.Timeout(connect=5, read=30, write=30, pool=10)
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
LEAST_PAUSE, MOST_PAUSE = timedelta(seconds=1), timedelta(hours=1)
BEHIND, MOST_BEHIND = timedelta(minutes=1), timedelta(days=1)
"""by how much our clock may be behind that of a vendor before its own counts"""
AGENT = "wattledger"
Origin = tuple[str, str, int | None]
ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
"""others, and several at once, unfold too far in one step to be counted in time"""

logging.getLogger("httpx2").setLevel(logging.WARNING)
logging.getLogger("httpcore2").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer: status, headers (lower-case names), decoded body of at most MAX_BODY bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def mime(self) -> str:
        """The media type without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class _NamedHosts(httpx2.AsyncBaseTransport):
    """Refuses every origin that was not named, so that a token can't leave for another host."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, origins: frozenset[Origin]) -> None:
        self._inner = inner
        self._origins = origins

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if _origin(request.url) not in self._origins and not sabotaged("one_host"):
            raise Misconfigured(
                f"A request to {request.url.host} was stopped: the client is for one host only."
            )
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def open_client(
    base_url: str,
    *,
    also: Iterable[str] = (),
    transport: httpx2.AsyncBaseTransport | None = None,
    timeout: httpx2.Timeout = PHASES,
) -> httpx2.AsyncClient:
    """A client for one origin; TLS is verified, redirects and proxies of the environment are ignored.

    `also`: other addresses of the same vendor that it may reach. Raises Misconfigured for an address that
    isn't http(s).
    """
    base, *others = (_address(one) for one in (base_url, *also))
    # certificates are loaded only where TLS is spoken: a client can't leave its origins' schemes
    verify = any(one.scheme == "https" for one in (base, *others))
    inner = transport or httpx2.AsyncHTTPTransport(verify=verify, limits=httpx2.Limits(max_connections=20))
    return httpx2.AsyncClient(
        base_url=base,
        transport=_NamedHosts(inner, frozenset(map(_origin, (base, *others)))),
        timeout=timeout,
        headers={"User-Agent": AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"},
        trust_env=False,
        follow_redirects=False,
    )


def _address(url: str) -> httpx2.URL:
    found = httpx2.URL(url)
    if found.scheme not in {"http", "https"} or not found.host or found.userinfo:
        raise Misconfigured("A vendor's address must be http(s)://host without a name or password in it.")
    return found


def _origin(url: httpx2.URL) -> Origin:
    return (url.scheme, url.host, url.port)


async def exchange(
    http: httpx2.AsyncClient,
    method: str,
    path: str,
    *,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    max_body: int = MAX_BODY,
    timeout: httpx2.Timeout | None = None,
) -> HttpAnswer:
    """One request (JSON or a form) and its whole answer, with the client's timeouts or others.

    Raises TryLater (network), BadPayload (body too large).
    """
    try:
        async with http.stream(
            method, path, json=json, data=form, headers=headers, timeout=timeout or http.timeout
        ) as response:
            body = await _body(response, max_body)
    except httpx2.TimeoutException as error:
        raise TryLater(f"{http.base_url.host} did not answer in time ({type(error).__name__}).") from error
    except httpx2.RequestError as error:
        raise TryLater(f"{http.base_url.host} cannot be reached ({type(error).__name__}).") from error
    names = {name.lower(): value for name, value in response.headers.items()}
    return HttpAnswer(response.status_code, names, body)


async def _body(response: httpx2.Response, most: int) -> bytes:
    """The decoded body, counted while it comes, so that a bomb is stopped early."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        raise BadPayload("The answer is compressed in a way that was not asked for.", "bad_encoding")
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > most and not sabotaged("body_cap"):
            raise BadPayload(f"The answer is larger than {most // 2**20} MiB and was not read.", "too_large")
        chunks.append(chunk)
    return b"".join(chunks)


def check(answer: HttpAnswer, who: str, now: datetime | None = None) -> None:
    """Raises the error that a status means; returns for 2xx.

    401 LoginRequired; 408, 425, 429, 5xx TryLater with the vendor's wish; every other one Refused.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    if status == 401:
        raise LoginRequired(f"{who} no longer accepts our sign-in.")
    if status in PASSING or (status > 501 and status < 600):
        raise TryLater(f"{who} answered {status}; it is asked again later.", wish(answer, now))
    if 300 <= status < 400:
        raise Refused(
            f"{who} answered with a redirect ({status}), which is not followed.", "REDIRECT", status=502
        )
    raise Refused(f"{who} refused the request with status {status}.", "REFUSED", status=status)


def wish(answer: HttpAnswer, now: datetime | None = None, most: timedelta = MOST_PAUSE) -> timedelta | None:
    """How long the vendor asks us to wait, between a second and `most`; None where it says nothing readable.

    Understands Retry-After as seconds or as a date, and x-ratelimit-reset in milliseconds.
    """
    if after := answer.headers.get("retry-after"):
        seconds = _seconds(after, 1.0)
        pause = _until(after, now) if seconds is None else seconds
    elif reset := answer.headers.get("x-ratelimit-reset"):
        pause = _seconds(reset, 0.001)
    else:
        pause = None
    return None if pause is None else min(max(pause, LEAST_PAUSE), most)


def answered(answer: HttpAnswer, now: datetime) -> datetime:
    """When an answer was given: now, or by its `Date` where our clock is behind it, by at most a day."""
    ahead = _until(answer.headers.get("date", ""), now) or timedelta(0)
    return now + ahead if BEHIND < ahead <= MOST_BEHIND else now


def _seconds(text: str, unit: float) -> timedelta | None:
    digits = text.strip()
    return (
        timedelta(seconds=min(int(digits) * unit, 1e6)) if digits.isdecimal() and len(digits) < 18 else None
    )


def _until(text: str, now: datetime | None) -> timedelta | None:
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return aware - now if now else None
