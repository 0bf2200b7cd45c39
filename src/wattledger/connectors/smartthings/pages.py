"""The device list, page by page: with statuses where the vendor lets us, following `next` within its host."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx2

from wattledger.connectors.base import Account
from wattledger.connectors.http import HttpAnswer, exchange
from wattledger.connectors.smartthings.answers import WHO
from wattledger.connectors.smartthings.reading import load, mapping
from wattledger.errors import BadPayload, Refused
from wattledger.faults import sabotaged

PATH = "/v1/devices"
ACCEPT = {"Accept": "application/vnd.smartthings+json;v=20170916, application/json;q=0.9"}
TOGETHER = {"includeStatus": "true", "includeHealth": "true", "max": "100"}
"""a page of 100 with statuses stays well below the greatest answer that is read"""
MOST_PAGES = 500
DECLINED = frozenset({400, 403, 404, 406, 422})


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, and the `next` address it names."""

    answer: HttpAnswer
    next: str | None


async def pages(account: Account) -> AsyncGenerator[Page]:
    """Every page as answered, also a bad one, after which there is no other.

    Raises TryLater (network), and Refused for a `next` that leads elsewhere, after the page that names it.
    """
    together = TOGETHER
    answer = await _get(account, together)
    if answer.status in DECLINED:
        together = {}
        answer = await _get(account, together)
    seen: set[str] = set()
    while True:
        page = Page(answer, next_of(answer))
        yield page
        if page.next is None:
            return
        query = next_query(page.next, account.http.base_url)
        key = str(httpx2.QueryParams(query))
        if key in seen or len(seen) >= MOST_PAGES:
            raise Refused(
                f"{WHO}'s device list leads in a circle; its pages so far were read.", "LOOP", status=502
            )
        seen.add(key)
        answer = await _get(account, {**together, **query})


async def _get(account: Account, query: dict[str, str]) -> HttpAnswer:
    path = str(httpx2.URL(PATH, params=query)) if query else PATH
    return await exchange(account.http, "GET", path, headers=ACCEPT)


def next_of(answer: HttpAnswer) -> str | None:
    """The address of the next page; `_links` may be missing, null or empty."""
    if answer.status != 200:
        return None
    try:
        said: Any = load(answer.body)
    except BadPayload:
        return None
    href = mapping(mapping(said.get("_links")).get("next")).get("href")
    return href if isinstance(href, str) and href else None


def next_query(href: str, base: httpx2.URL) -> dict[str, str]:
    """The query of a `next` address; its path comes without /v1. Raises Refused for another host or path."""
    try:
        url = base.join(href)
    except httpx2.InvalidURL:
        raise Refused(f"{WHO} named a next page that is no address.", "NEXT", status=502) from None
    same = (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)
    if not same and not sabotaged("next_host"):
        raise Refused(f"{WHO} named a next page on another host; it was not followed.", "NEXT", status=502)
    if url.path.removeprefix("/v1").rstrip("/") != "/devices":
        raise Refused(f"{WHO} named a next page that is no device list.", "NEXT", status=502)
    return dict(url.params)
