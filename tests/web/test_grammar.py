"""Hostile requests over every route by every role, straight into the app: nothing is answered with 5xx."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from random import Random
from shutil import copy, rmtree
from time import monotonic
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI

from tests.turns import minutes
from tests.web.grammar import ROLES, Asked, Grammar, targets
from tests.web.helpers import ADMIN, SECRET, FakeClock, Relay
from tests.web.matrix import LET_IN, ROWS
from tests.web.matrix_world import World
from wattledger import connectors, logs
from wattledger.config import load_settings
from wattledger.secrets import Vault
from wattledger.store import open_store
from wattledger.web.app import create_app
from wattledger.web.throttle import Throttle

SEED = 4
PER_WORLD = 20 * len(ROWS)
"""requests after which everything is made anew, as some of them delete what they can"""
KINDS = (
    "point",
    "meter",
    "payload",
    "vehicle",
    "device",
    "token",
    "member",
    "invitation",
    "connection",
    "site",
)
NOW = datetime(2026, 6, 15, 17, tzinfo=UTC)
Record = Callable[[str, object], None]


@dataclass(frozen=True)
class Tried:
    """What came of some requests: how often which status, what went wrong, which routes were asked."""

    statuses: Counter[int]
    wrong: list[str]
    routes: set[str]


async def called(app: FastAPI, asked: Asked) -> tuple[int, str]:
    """The status of an answer, and what broke where it is a 500."""
    statuses, parts, never = [], list(asked.parts), asyncio.Event()

    async def receive() -> dict[str, Any]:
        if parts:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts) or not asked.whole}
        if asked.whole:
            await never.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "scheme": "http", "method": asked.method, "path": unquote(asked.path.decode()),
        "raw_path": asked.path, "root_path": "", "query_string": asked.query, "headers": asked.headers,
        "client": ("127.0.0.1", 9), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    try:
        await asyncio.wait_for(app(scope, receive, send), 60)
    except Exception as error:
        return 500, repr(error)
    return statuses[0] if statuses else 500, ""


@contextmanager
def quietly() -> Iterator[None]:
    """Log lines are made as the product makes them, and go nowhere."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with Path(os.devnull).open("w") as nowhere:
        logs.configure("json", nowhere)
        yield
        root.handlers[:] = before
        root.setLevel(level)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with quietly():
        yield


@asynccontextmanager
async def world(folder: Path, template: Path, clock: FakeClock) -> AsyncIterator[World]:
    """A hub on a fresh database, with two sites and a thing of each kind."""
    folder.mkdir()
    copy(template, folder / "wattledger.db")
    store = await open_store(
        f"sqlite:///{folder / 'wattledger.db'}", data=folder, parse=connectors.parse,
        vault=Vault({"t": b"k" * 32}), clock=clock,
    )  # fmt: skip
    app = create_app(
        store,
        load_settings(folder, {}, admin_token=ADMIN, webhook_secret=SECRET),
        clock=clock,
        trigger=Relay(),
    )
    app.state.hub.announce = lambda line: None
    found = World(app, store)
    for name in ("failures", "links", "mails", "connects"):
        setattr(app.state.hub, name, Throttle(clock, 10**12, 10**12))
    await found.begin()
    yield found
    await app.state.hub.post.idle()
    await store.close()


async def batch(here: World, seed: str, count: int) -> Tried:
    """So many requests, round and round all routes."""
    ids = {kind: await here.make(kind) for kind in KINDS}
    everywhere, chance, tried = targets(here.app), Random(seed), Tried(Counter(), [], set())
    grammar = Grammar(chance, ids)
    for number in range(count):
        target = everywhere[number % len(everywhere)]
        role = chance.choice(ROLES if chance.random() < 0.3 else LET_IN[target.row.guard])
        asked = grammar.request(target, here.headers[role])
        status, why = await called(here.app, asked)
        tried.statuses[status] += 1
        tried.routes.add(target.row.route)
        if status >= 500 and status not in target.row.unset:
            told = f"seed {seed!r}, request {number}, {target.row.route} by {role}: {status} {why} {asked}"
            tried.wrong.append(told[:3000])
    assert len(tried.routes) == len(everywhere)
    return tried


async def one_world(folder: Path, template: Path, seed: str, count: int) -> Tried:
    async with world(folder, template, FakeClock(NOW)) as here:
        return await batch(here, seed, count)


async def test_a_few_hostile_requests_for_every_route(tmp_path: Path, sqlite_template: Path) -> None:
    tried = await one_world(tmp_path / "w", sqlite_template, f"{SEED}", 3 * len(ROWS))
    assert tried.wrong == []
    assert tried.statuses[200] > 50, "nothing came through"


async def test_a_route_that_breaks_is_noticed() -> None:
    broken = FastAPI()

    @broken.get("/healthz")
    async def breaks() -> None:
        raise ValueError("unforeseen")

    assert await called(broken, Asked("GET", b"/healthz", b"", [])) == (500, "ValueError('unforeseen')")


def keep_on(folder: Path, template: Path, process: int, seconds: float) -> Tried:
    """World after world in a process of its own, at least one."""
    until, total, number = monotonic() + seconds, Tried(Counter(), [], set()), 0
    with quietly():
        while not total.wrong and (monotonic() < until or not number):
            place, seed = folder / f"{process}-{number}", f"{SEED} {process} {number}"
            found = asyncio.run(one_world(place, template, seed, PER_WORLD))
            rmtree(place)
            total = Tried(
                total.statuses + found.statuses, total.wrong + found.wrong, total.routes | found.routes
            )
            number += 1
    return total


@pytest.mark.soak
def test_hostile_requests_for_a_while(tmp_path: Path, sqlite_template: Path, record_property: Record) -> None:
    seconds, width = 60 * minutes(), os.cpu_count() or 1
    with ProcessPoolExecutor(width, get_context("spawn")) as pool:
        runs = [pool.submit(keep_on, tmp_path, sqlite_template, n, seconds) for n in range(width)]
        found = [run.result() for run in runs]
    statuses = sum((one.statuses for one in found), Counter[int]())
    record_property("requests", statuses.total())
    record_property("routes", len(found[0].routes))
    record_property("share_of_all_routes_%", round(100 * len(found[0].routes) / len(ROWS)))
    record_property("roles", len(ROLES))
    record_property("let_in_with_2xx", sum(n for status, n in statuses.items() if 200 <= status < 300))
    record_property("unforeseen_5xx", sum(len(one.wrong) for one in found))
    record_property("seed", SEED)
    assert [wrong for one in found for wrong in one.wrong] == []
