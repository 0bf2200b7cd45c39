"""The device list, page by page: with statuses where the vendor lets us, following `next` within its host."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from wattledger.connectors.base import Account
from wattledger.connectors.http import HttpAnswer, exchange
from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartthings.answers import WHO
from wattledger.connectors.smartthings.reading import load
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
    """One answer, and what it says; None where it is refused or can't be read."""

    answer: HttpAnswer
    said: Mapping[str, Any] | None

    @property
    def good(self) -> bool:
        """Whether it is a device list at all."""
        return isinstance(mapping(self.said).get("items"), list)

    @property
    def items(self) -> list[Any]:
        """Its devices."""
        return rows(mapping(self.said).get("items"))

    @property
    def next(self) -> str | None:
        """The address of the next page; `_links` may be missing, null or empty."""
        href = mapping(mapping(mapping(self.said).get("_links")).get("next")).get("href")
        return href if isinstance(href, str) and href else None


async def pages(account: Account, together: bool = True) -> AsyncGenerator[Page]:
    """Every page as answered, also a bad one, after which there is no other; with statuses if `together`.

    Raises TryLater (network), and Refused for a `next` that leads elsewhere, after the page that names it.
    """
    query = TOGETHER if together else {}
    seen: set[str] = set()
    answer = await _get(account, query)
    while True:
        page = Page(answer, _said(answer))
        yield page
        if page.next is None:
            return
        following = next_query(page.next, account.http.base_url)
        key = str(httpx2.QueryParams(following))
        if key in seen or len(seen) >= MOST_PAGES:
            raise Refused(
                f"{WHO}'s device list leads in a circle; its pages so far were read.", "LOOP", status=502
            )
        seen.add(key)
        answer = await _get(account, {**query, **following})


async def _get(account: Account, query: dict[str, str]) -> HttpAnswer:
    path = str(httpx2.URL(PATH, params=query)) if query else PATH
    return await exchange(account.http, "GET", path, headers=ACCEPT)


def _said(answer: HttpAnswer) -> Mapping[str, Any] | None:
    try:
        return load(answer.body) if 200 <= answer.status < 300 else None
    except BadPayload:
        return None


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
