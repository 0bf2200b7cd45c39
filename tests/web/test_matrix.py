"""Every route by every role and from another site: who is let in, and that strangers' ids say nothing."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import Response

from tests.web.conftest import NOON
from tests.web.helpers import FakeClock
from tests.web.matrix import HOW, LET_IN, ROWS, Row, strangers
from tests.web.matrix_world import NOWHERE, UNKNOWN, World
from wattledger import connectors
from wattledger.config import load_settings
from wattledger.faults import sabotage
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.web.app import create_app
from wattledger.web.routes import inventory

ROLES = ("nobody", "member", "admin", "owner", "operator", "admin header", "machine")
NAMING = [row for row in ROWS if row.id]


Begun = tuple[World, Path]
"""a world and its database, which is copied for each test"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Begun:
    folder = tmp_path_factory.mktemp("begun")
    shutil.copy(sqlite_template, folder / "wattledger.db")
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _begun(folder)).result(), folder / "wattledger.db"


async def _begun(folder: Path) -> World:
    store = await open_store(
        f"sqlite:///{folder}/wattledger.db",
        data=folder,
        parse=connectors.parse,
        vault=Vault({"test": b"k" * 32}),
        clock=FakeClock(NOON),
    )
    found = World(create_app(store, load_settings(folder, {}), clock=FakeClock(NOON)), store)
    await found.begin()
    await store.close()
    return found


@pytest.fixture
def sqlite_url(tmp_path: Path, begun: Begun) -> str:
    shutil.copy(begun[1], tmp_path / "wattledger.db")
    return f"sqlite:///{tmp_path}/wattledger.db"


@pytest.fixture
async def world(app: FastAPI, store: Store, begun: Begun) -> AsyncIterator[World]:
    found = World(app, store)
    found.like(begun[0])
    yield found
    await app.state.hub.post.idle()


def refused(answer: Response) -> bool:
    """Whether the guard stopped the caller: 401, 403, or off to the sign-in page."""
    led_away = answer.status_code == 303 and answer.headers["location"].startswith("/signin")
    return led_away or answer.status_code in (401, 403)


def test_every_route_has_a_row(app: FastAPI) -> None:
    unlike = strangers(inventory(app))
    assert not unlike, HOW.format(routes=", ".join(unlike))


def test_a_route_without_a_row_is_noticed(app: FastAPI) -> None:
    @app.get("/v1/forgotten")
    async def forgotten() -> None:
        """Nobody thought of this one."""

    assert strangers(inventory(app)) == ["GET /v1/forgotten ()"]


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_is_let_in_where_its_row_says(world: World, role: str) -> None:
    assert await wrong_doors(world, role) == []


async def wrong_doors(world: World, role: str) -> list[str]:
    """Routes that let a role in against their row, or keep it out, or break."""
    wrong = []
    for row in ROWS:
        answer = await world.ask(role, row)
        let_in = role in LET_IN[row.guard]
        by_itself = row.route in SPENT_LINKS
        if refused(answer) == let_in and not (let_in and by_itself):
            wrong.append(f"{row.route}: {answer.status_code} for {role}, let in: {let_in}")
        if answer.status_code >= 500 and answer.status_code not in row.unset:
            wrong.append(f"{row.route}: {answer.status_code} for {role}")
        if row.spends:
            await world.again(role)
    return wrong


SPENT_LINKS = {
    "POST /auth/link", "POST /setup", "POST /invitation", "POST /people/leave", "POST /v1/people/leave",
    "POST /webhooks/smartcar",
}  # fmt: skip
"""routes that answer 401 for a word that opens nothing, or lead to the sign-in once all is done"""


@pytest.mark.parametrize("row", NAMING, ids=lambda row: row.route)
async def test_another_sites_thing_is_like_none(world: World, row: Row) -> None:
    id = await world.make(str(row.id))
    before, audited = await world.everything(), (await world.store.audit.head())[0]
    theirs = await world.ask("stranger", row, id)
    missing = await world.ask("stranger", row)
    assert said(theirs, id) == said(missing, UNKNOWN.get(str(row.id), NOWHERE))
    assert theirs.status_code in row.theirs
    assert await world.everything() == before and (await world.store.audit.head())[0] == audited
    mine = await world.ask("owner", row, id)
    assert mine.status_code in row.own or mine.status_code in row.unset, mine.text


def said(answer: Response, id: str) -> tuple[int, str]:
    """What an answer tells, without the id that was asked for."""
    return answer.status_code, answer.text.replace(id, "ID")


async def test_lists_hold_nothing_of_another_site(world: World) -> None:
    ids = {kind: await world.make(kind) for kind in ("point", "token", "member", "invitation", "connection")}
    lists = [row for row in ROWS if row.method == "GET" and "{" not in row.path and row.guard in LISTS]
    for row in lists:
        plain = Row(row.route, row.guard, page=row.page)
        text = (await world.ask("stranger", plain)).text
        assert [kind for kind, id in ids.items() if id in text] == [], row.route
        assert "owner@example.org" not in text, row.route


LISTS = ("session", "manager", "owner")


async def test_sabotage_roles_is_noticed(world: World) -> None:
    with sabotage("roles"), pytest.raises(AssertionError):
        await test_a_role_is_let_in_where_its_row_says(world, "member")


async def test_sabotage_tenant_scope_is_noticed_by_the_matrix(world: World) -> None:
    row = next(row for row in NAMING if row.route == "PATCH /v1/usage-points/{id}")
    with sabotage("tenant_scope"), pytest.raises(AssertionError):
        await test_another_sites_thing_is_like_none(world, row)
