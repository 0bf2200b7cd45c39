"""What a page offers can be done by whoever sees it: no form or link that the guard of its route refuses."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from tests.web.matrix import LET_IN, ROWS, Row
from tests.web.matrix_world import World
from wattledger.store import Store

KINDS = ("payload", "connection", "grant", "alert", "vehicle", "invitation", "member", "token")
PAGES = [row for row in ROWS if row.page and row.method == "GET"]


class Offers(HTMLParser):
    """`METHOD /path` of every form and link of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self.found.add(f"{(told.get('method') or 'get').upper()} {_path(told.get('action'))}")
        elif tag == "a" and (told.get("href") or "").startswith("/"):
            self.found.add(f"GET {_path(told['href'])}")


def _path(address: str | None) -> str:
    return urlsplit(address or "").path


def row_of(offer: str) -> Row | None:
    """The route that an offer leads to; None where it names no route of its own (the same page)."""
    fitting = [row for row in ROWS if re.fullmatch(_pattern(row.route), offer)]
    return min(fitting, key=lambda row: row.route.count("{"), default=None)


def _pattern(route: str) -> str:
    return re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(route))


@pytest.fixture
async def world(app: FastAPI, store: Store) -> AsyncIterator[World]:
    found = World(app, store)
    await found.begin()
    yield found
    await app.state.hub.post.idle()


async def offered(world: World, who: str) -> Iterator[str]:
    """All that the pages of a household with everything in it offer to somebody."""
    ids = {kind: await world.make(kind) for kind in KINDS}
    ids |= {"meter": await world.make("meter"), "point": await world.make("point")}
    offers = Offers()
    for row in PAGES:
        answer = await world.ask(who, row, ids.get(row.id or ""))
        if answer.status_code == 200 and "html" in answer.headers.get("content-type", ""):
            offers.feed(answer.text)
    return iter(sorted(offers.found))


@pytest.mark.parametrize("who", ["member", "admin", "owner", "operator"])
async def test_everything_offered_is_allowed(world: World, who: str) -> None:
    refused = [
        offer
        for offer in await offered(world, who)
        if (row := row_of(offer)) is not None and who not in LET_IN[row.guard]
    ]
    assert refused == []


async def test_forms_are_really_looked_at(world: World) -> None:
    rows = {row.route for offer in await offered(world, "owner") if (row := row_of(offer))}
    assert {
        "POST /upload", "POST /sources/smartthings/token", "POST /people/{id}/remove", "POST /settings/site",
        "POST /files/{id}/withdraw", "POST /alerts/wishes", "POST /car/{id}/home",
    } <= rows  # fmt: skip
